/* Checksums of the queue's records: records.py has their format. */

#include "compiled.h"

#include <stdint.h>

/* CRC-32 as in zlib, 16 bytes at a step ("slicing"; Kounavis and Berry, Intel, 2005). */
#define SLICES 16
static uint32_t crc_tables[SLICES][256];

void
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

PyObject *
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
