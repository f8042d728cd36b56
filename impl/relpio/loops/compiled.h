/* What the files of the compiled part share. See compiled.c. */

#ifndef RELPIO_COMPILED_H
#define RELPIO_COMPILED_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

static inline char *
write_text(char *at, const char *text, Py_ssize_t size)
{
    memcpy(at, text, (size_t)size);
    return at + size;
}

/* Returns a list, a new reference, so that items can be borrowed from it. */
static inline PyObject *
as_list(PyObject *messages)
{
    if (PyList_CheckExact(messages)) {
        Py_INCREF(messages);
        return messages;
    }
    return PySequence_List(messages);
}

static inline int
get_message(PyObject *list, Py_ssize_t index, char **data, Py_ssize_t *size)
{
    PyObject *item = PyList_GetItem(list, index); /* borrowed */

    return item == NULL ? -1 : PyBytes_AsStringAndSize(item, data, size);
}

/* Functions of the module; each does what its namesake in pure.py says. */
PyObject *take_messages(PyObject *module, PyObject *args);
PyObject *count_acks(PyObject *module, PyObject *args);
PyObject *encode_messages(PyObject *module, PyObject *args);
PyObject *encode_acks(PyObject *module, PyObject *args);
PyObject *join_lines(PyObject *module, PyObject *messages);
PyObject *split_lines(PyObject *module, PyObject *text);
PyObject *checksums(PyObject *module, PyObject *args);

/* To be called once, before `checksums`. */
void make_crc_tables(void);

#endif
