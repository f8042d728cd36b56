/* The loops of pure.py in C, against the stable ABI: one build serves Python 3.11 and later.
 *
 * Nothing here calls back into Python while it holds borrowed references, and nothing keeps state.
 * Sizes are Py_ssize_t, transaction numbers long long; what does not fit raises OverflowError.
 */

#include "compiled.h"

static PyMethodDef methods[] = {
    {"checksums", checksums, METH_VARARGS, "See relpio.loops.pure.checksums."},
    {"take_messages", take_messages, METH_VARARGS, "See relpio.loops.pure.take_messages."},
    {"count_acks", count_acks, METH_VARARGS, "See relpio.loops.pure.count_acks."},
    {"encode_messages", encode_messages, METH_VARARGS, "See relpio.loops.pure.encode_messages."},
    {"encode_acks", encode_acks, METH_VARARGS, "See relpio.loops.pure.encode_acks."},
    {"join_lines", join_lines, METH_O, "See relpio.loops.pure.join_lines."},
    {"split_lines", split_lines, METH_O, "See relpio.loops.pure.split_lines."},
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
