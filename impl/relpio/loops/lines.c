/* Messages from lines, and lines from messages. */

#include "compiled.h"

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

PyObject *
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

PyObject *
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
