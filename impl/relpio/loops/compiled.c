/* The loops of pure.py in C, against the stable ABI: one build serves Python 3.11 and later.
 *
 * Nothing here calls back into Python while it holds borrowed references, and nothing keeps state.
 * Sizes are Py_ssize_t, transaction numbers long long; what does not fit raises OverflowError.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

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

static char *
write_text(char *at, const char *text, Py_ssize_t size)
{
    memcpy(at, text, (size_t)size);
    return at + size;
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

/* Returns a list, a new reference, so that items can be borrowed from it. */
static PyObject *
as_list(PyObject *messages)
{
    if (PyList_CheckExact(messages)) {
        Py_INCREF(messages);
        return messages;
    }
    return PySequence_List(messages);
}

static int
get_message(PyObject *list, Py_ssize_t index, char **data, Py_ssize_t *size)
{
    PyObject *item = PyList_GetItem(list, index); /* borrowed */

    return item == NULL ? -1 : PyBytes_AsStringAndSize(item, data, size);
}

PyDoc_STRVAR(take_messages_doc, "See relpio.loops.pure.take_messages.");

static PyObject *
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

PyDoc_STRVAR(count_acks_doc, "See relpio.loops.pure.count_acks.");

static PyObject *
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

PyDoc_STRVAR(encode_messages_doc, "See relpio.loops.pure.encode_messages.");

static PyObject *
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

PyDoc_STRVAR(encode_acks_doc, "See relpio.loops.pure.encode_acks.");

static PyObject *
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

/* Writes a message with LF and NUL as #012 and #000; with `at` NULL only counts the bytes. */
static Py_ssize_t
escape(char *at, const char *data, Py_ssize_t size)
{
    Py_ssize_t index, written = 0;

    for (index = 0; index < size; index++) {
        const char *text = data[index] == '\n' ? "#012" : data[index] == '\0' ? "#000" : NULL;

        if (at != NULL) {
            if (text != NULL)
                memcpy(at + written, text, 4);
            else
                at[written] = data[index];
        }
        written += text != NULL ? 4 : 1;
    }
    return written;
}

static int
is_plain(const char *data, Py_ssize_t size)
{
    return memchr(data, '\n', (size_t)size) == NULL && memchr(data, '\0', (size_t)size) == NULL;
}

PyDoc_STRVAR(join_lines_doc, "See relpio.loops.pure.join_lines.");

static PyObject *
join_lines(PyObject *Py_UNUSED(module), PyObject *messages)
{
    PyObject *list = as_list(messages), *result = NULL;
    Py_ssize_t count, index, size, total = 0;
    int plain = 1;
    char *data, *at;

    if (list == NULL)
        return NULL;
    count = PyList_Size(list);
    for (index = 0; index < count; index++) {
        if (get_message(list, index, &data, &size) < 0)
            goto done;
        if (size > PY_SSIZE_T_MAX / 8 - total) {
            PyErr_NoMemory();
            goto done;
        }
        if (is_plain(data, size))
            total += size + 1;
        else {
            total += escape(NULL, data, size) + 1;
            plain = 0;
        }
    }
    result = PyBytes_FromStringAndSize(NULL, total);
    if (result == NULL)
        goto done;
    at = PyBytes_AsString(result);
    for (index = 0; index < count; index++) {
        get_message(list, index, &data, &size); /* succeeded above */
        if (plain)
            at = write_text(at, data, size);
        else
            at += escape(at, data, size);
        *at++ = '\n';
    }
done:
    Py_DECREF(list);
    return result;
}

PyDoc_STRVAR(split_lines_doc, "See relpio.loops.pure.split_lines.");

static PyObject *
split_lines(PyObject *Py_UNUSED(module), PyObject *text)
{
    PyObject *lines, *result;
    Py_ssize_t size, longest = 0;
    char *at;
    const char *end;

    if (PyBytes_AsStringAndSize(text, &at, &size) < 0)
        return NULL;
    lines = PyList_New(0);
    if (lines == NULL)
        return NULL;
    for (end = at + size;; at += size + 1) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        PyObject *line;
        int failed;

        size = (lf != NULL ? lf : end) - at;
        line = PyBytes_FromStringAndSize(at, size);
        if (line == NULL) {
            Py_DECREF(lines);
            return NULL;
        }
        failed = PyList_Append(lines, line);
        Py_DECREF(line);
        if (failed) {
            Py_DECREF(lines);
            return NULL;
        }
        if (size > longest)
            longest = size;
        if (lf == NULL)
            break;
    }
    result = Py_BuildValue("(On)", lines, longest);
    Py_DECREF(lines);
    return result;
}

/* CRC-32 as in zlib, 16 bytes at a step ("slicing"; Kounavis and Berry, Intel, 2005). */
#define SLICES 16
static uint32_t crc_tables[SLICES][256];

static void
make_crc_tables(void)
{
    uint32_t value;
    int byte, bit, at;

    for (byte = 0; byte < 256; byte++) {
        value = (uint32_t)byte;
        for (bit = 0; bit < 8; bit++)
            value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
        crc_tables[0][byte] = value;
    }
    for (byte = 0; byte < 256; byte++)
        for (at = 1; at < SLICES; at++) {
            value = crc_tables[at - 1][byte];
            crc_tables[at][byte] = crc_tables[0][value & 0xFF] ^ (value >> 8);
        }
}

static uint32_t
read_u32(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* What four bytes do to the crc when `last` more bytes follow the first of them. */
static inline uint32_t
slice(uint32_t word, int last)
{
    return crc_tables[last][word & 0xFF] ^ crc_tables[last - 1][word >> 8 & 0xFF]
           ^ crc_tables[last - 2][word >> 16 & 0xFF] ^ crc_tables[last - 3][word >> 24];
}

static uint32_t
crc32_of(const char *data, Py_ssize_t size, uint32_t crc)
{
    const unsigned char *at = (const unsigned char *)data;

    crc = ~crc;
    for (; size >= SLICES; size -= SLICES, at += SLICES) {
        uint32_t one = crc ^ read_u32(at), two = read_u32(at + 4);
        uint32_t three = read_u32(at + 8), four = read_u32(at + 12);

        crc = slice(one, 15) ^ slice(two, 11) ^ slice(three, 7) ^ slice(four, 3);
    }
    while (size-- > 0)
        crc = crc_tables[0][(crc ^ *at++) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

PyDoc_STRVAR(checksums_doc, "See relpio.loops.pure.checksums.");

static PyObject *
checksums(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *messages, *list, *result = NULL;
    unsigned long long first;
    Py_ssize_t count, index, size;
    unsigned char *at;
    char *data;

    if (!PyArg_ParseTuple(args, "OK:checksums", &messages, &first))
        return NULL;
    list = as_list(messages);
    if (list == NULL)
        return NULL;
    count = PyList_Size(list);
    if (count > PY_SSIZE_T_MAX / 4) {
        PyErr_NoMemory();
        goto done;
    }
    result = PyBytes_FromStringAndSize(NULL, 4 * count);
    if (result == NULL)
        goto done;
    at = (unsigned char *)PyBytes_AsString(result);
    for (index = 0; index < count; index++, at += 4) {
        uint32_t crc;

        if (get_message(list, index, &data, &size) < 0) {
            Py_DECREF(result);
            result = NULL;
            goto done;
        }
        crc = crc32_of(data, size, (uint32_t)(first + (unsigned long long)index));
        at[0] = (unsigned char)crc;
        at[1] = (unsigned char)(crc >> 8);
        at[2] = (unsigned char)(crc >> 16);
        at[3] = (unsigned char)(crc >> 24);
    }
done:
    Py_DECREF(list);
    return result;
}

static PyMethodDef methods[] = {
    {"checksums", checksums, METH_VARARGS, checksums_doc},
    {"take_messages", take_messages, METH_VARARGS, take_messages_doc},
    {"count_acks", count_acks, METH_VARARGS, count_acks_doc},
    {"encode_messages", encode_messages, METH_VARARGS, encode_messages_doc},
    {"encode_acks", encode_acks, METH_VARARGS, encode_acks_doc},
    {"join_lines", join_lines, METH_O, join_lines_doc},
    {"split_lines", split_lines, METH_O, split_lines_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "relpio.loops._compiled",
    .m_doc = "The loops of relpio.loops.pure, compiled.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__compiled(void)
{
    make_crc_tables();
    return PyModuleDef_Init(&definition);
}
