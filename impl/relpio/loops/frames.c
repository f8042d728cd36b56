/* Frames and answers of RELP: frames.py has their grammar. */

#include "compiled.h"

#define MOST_DIGITS 9 /* of a number on the wire */
#define LONGEST_NUMBER 20 /* digits of a long long */

static const char SYSLOG[] = " syslog ";
static const char OK[] = " rsp 6 200 OK\n";
#define SYSLOG_SIZE ((Py_ssize_t)sizeof SYSLOG - 1)
#define OK_SIZE ((Py_ssize_t)sizeof OK - 1)

/* Reads 1 to 9 digits; returns where they end, or NULL when there are none or more. */
static const char *
read_number(const char *at, const char *end, long long *value)
{
    const char *begin = at;
    long long found = 0;

    while (at < end && *at >= '0' && *at <= '9') {
        if (at - begin == MOST_DIGITS)
            return NULL;
        found = 10 * found + (*at++ - '0');
    }
    *value = found;
    return at == begin ? NULL : at;
}

static Py_ssize_t
count_digits(long long value)
{
    Py_ssize_t digits = 1;

    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

static char *
write_number(char *at, long long value)
{
    char *end = at + count_digits(value);
    char *digit = end;

    do {
        *--digit = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return end;
}

/* Whether the numbers `first` to `first + count - 1` can be used; raises if not. */
static int
check_run(long long first, Py_ssize_t count)
{
    if (first < 0 || first > PY_LLONG_MAX - count) {
        PyErr_SetString(PyExc_OverflowError, "number out of range");
        return 0;
    }
    return 1;
}

PyObject *
take_messages(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *buffer, *taken, *result;
    Py_ssize_t start, longest, most;
    long long txnr;
    const char *begin, *at, *end;

    if (!PyArg_ParseTuple(args, "SnLnn:take_messages", &buffer, &start, &txnr, &longest, &most))
        return NULL;
    begin = PyBytes_AsString(buffer);
    end = begin + PyBytes_Size(buffer);
    if (start < 0 || start > end - begin) {
        PyErr_SetString(PyExc_IndexError, "position outside the buffer");
        return NULL;
    }
    at = begin + start;
    taken = PyList_New(0);
    if (taken == NULL)
        return NULL;
    for (; most > 0; most--, txnr++) {
        long long number, length;
        PyObject *message;
        const char *p = read_number(at, end, &number);
        int failed;

        if (p == NULL || end - p < SYSLOG_SIZE || memcmp(p, SYSLOG, SYSLOG_SIZE) != 0)
            break;
        p = read_number(p + SYSLOG_SIZE, end, &length);
        if (p == NULL || p == end || *p++ != ' ')
            break;
        if (number != txnr || length == 0 || length > longest)
            break;
        if (length >= end - p || p[length] != '\n')
            break;
        message = PyBytes_FromStringAndSize(p, (Py_ssize_t)length);
        if (message == NULL) {
            Py_DECREF(taken);
            return NULL;
        }
        failed = PyList_Append(taken, message);
        Py_DECREF(message);
        if (failed) {
            Py_DECREF(taken);
            return NULL;
        }
        at = p + length + 1;
    }
    result = Py_BuildValue("(On)", taken, (Py_ssize_t)(at - begin));
    Py_DECREF(taken);
    return result;
}

PyObject *
count_acks(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *buffer;
    Py_ssize_t start, limit, found = 0;
    long long txnr;
    const char *begin, *at, *end;

    if (!PyArg_ParseTuple(args, "SnLn:count_acks", &buffer, &start, &txnr, &limit))
        return NULL;
    begin = PyBytes_AsString(buffer);
    end = begin + PyBytes_Size(buffer);
    if (start < 0 || start > end - begin) {
        PyErr_SetString(PyExc_IndexError, "position outside the buffer");
        return NULL;
    }
    if (limit < 0)
        limit = 0;
    if (!check_run(txnr, limit))
        return NULL;
    for (at = begin + start; found < limit; found++) {
        char due[LONGEST_NUMBER + sizeof OK];
        Py_ssize_t size = write_text(write_number(due, txnr + found), OK, OK_SIZE) - due;

        if (end - at < size || memcmp(at, due, (size_t)size) != 0)
            break;
        at += size;
    }
    return Py_BuildValue("(nn)", found, (Py_ssize_t)(at - begin));
}

PyObject *
encode_messages(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *messages, *list, *result = NULL;
    long long first;
    Py_ssize_t count, index, size, total = 0;
    char *data, *at;

    if (!PyArg_ParseTuple(args, "LO:encode_messages", &first, &messages))
        return NULL;
    list = as_list(messages);
    if (list == NULL)
        return NULL;
    count = PyList_Size(list);
    if (!check_run(first, count))
        goto done;
    for (index = 0; index < count; index++) {
        if (get_message(list, index, &data, &size) < 0)
            goto done;
        /* with data: the digits of its size, a space, itself, LF; without: "0" and LF */
        if (size > PY_SSIZE_T_MAX / 2 - total) {
            PyErr_NoMemory();
            goto done;
        }
        total += count_digits(first + index) + SYSLOG_SIZE + count_digits(size)
                 + (size ? size + 2 : 1);
    }
    result = PyBytes_FromStringAndSize(NULL, total);
    if (result == NULL)
        goto done;
    at = PyBytes_AsString(result);
    for (index = 0; index < count; index++) {
        get_message(list, index, &data, &size); /* succeeded above */
        at = write_text(write_number(at, first + index), SYSLOG, SYSLOG_SIZE);
        at = write_number(at, size);
        if (size) {
            *at++ = ' ';
            at = write_text(at, data, size);
        }
        *at++ = '\n';
    }
done:
    Py_DECREF(list);
    return result;
}

PyObject *
encode_acks(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *result;
    long long first;
    Py_ssize_t count, index, total = 0;
    char *at;

    if (!PyArg_ParseTuple(args, "Ln:encode_acks", &first, &count))
        return NULL;
    if (count < 0)
        count = 0;
    if (!check_run(first, count))
        return NULL;
    if (count > PY_SSIZE_T_MAX / (LONGEST_NUMBER + OK_SIZE))
        return PyErr_NoMemory();
    for (index = 0; index < count; index++)
        total += count_digits(first + index) + OK_SIZE;
    result = PyBytes_FromStringAndSize(NULL, total);
    if (result == NULL)
        return NULL;
    at = PyBytes_AsString(result);
    for (index = 0; index < count; index++)
        at = write_text(write_number(at, first + index), OK, OK_SIZE);
    return result;
}
