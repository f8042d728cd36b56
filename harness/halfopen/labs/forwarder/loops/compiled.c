/* The loops of pure.py in C, against the stable ABI: one build serves Python 3.11 and later.
 *
 * `forward` calls back into Python only to look up a way, and changes nothing of a frame before that.
 * What is read of a frame lies within the bytes that its slot says it has, and a slot within the
 * ring; whatever does not is left to the caller, as a frame that is not a plain segment.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <stdint.h>
#include <string.h>

#if UINTPTR_MAX != UINT64_MAX
#error "struct iovec has 16 bytes here; other platforms use pure.py"
#endif

#define VERSION 1 /* see pure.py */

#define FOR_US 1u
#define CHECKSUM_NOT_READY 8u
#define SLOT_HEADER 14
#define ETHERNET 14
#define LONGEST_KEY 36
#define TCP 6
#define TCP_HEADER 20
#define ENDS 0x17
#define ACK 0x10
#define HALF 0x80000000u
#define ONES 0xFFFFu

typedef struct {
    PyObject_HEAD
    unsigned int sent, acked;
    unsigned int address_change, change;
    unsigned long long turn;
    char open;
    Py_ssize_t key_size; /* 0 if addresses and ports stay as they are */
    unsigned char key[LONGEST_KEY];
} Way;

typedef struct {
    PyObject *way_type;
} State;

static int
way_init(PyObject *object, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    Way *way = (Way *)object;
    const char *key;
    Py_ssize_t size;

    if (!PyArg_ParseTuple(args, "z#II:Way", &key, &size, &way->address_change, &way->change))
        return -1;
    if (key != NULL && size != 12 && size != LONGEST_KEY) {
        PyErr_Format(PyExc_ValueError, "a key has 12 or 36 bytes, not %zd", size);
        return -1;
    }
    way->key_size = key == NULL ? 0 : size;
    if (key != NULL)
        memcpy(way->key, key, (size_t)size);
    return 0;
}

static void
way_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

    release(object);
    Py_DECREF(type);
}

static PyMemberDef way_members[] = {
    {"open", T_BOOL, offsetof(Way, open), 0, NULL},
    {"sent", T_UINT, offsetof(Way, sent), 0, NULL},
    {"acked", T_UINT, offsetof(Way, acked), 0, NULL},
    {"turn", T_ULONGLONG, offsetof(Way, turn), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot way_slots[] = {
    {Py_tp_doc, "See halfopen.labs.forwarder.loops.pure.Way."},
    {Py_tp_init, way_init},
    {Py_tp_dealloc, way_dealloc},
    {Py_tp_members, way_members},
    {0, NULL},
};

static PyType_Spec way_spec = {
    .name = "halfopen.labs.forwarder.loops._compiled.Way",
    .basicsize = sizeof(Way),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = way_slots,
};

static inline unsigned int
read_u16(const unsigned char *at)
{
    return (unsigned int)at[0] << 8 | at[1];
}

static inline uint32_t
read_u32(const unsigned char *at)
{
    return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

/* A checksum after words whose sum changed by `change`, 0 to 131069 (RFC 1624). */
static inline void
correct(unsigned char *at, unsigned int change)
{
    unsigned int total = (ONES - read_u16(at) + change) % ONES;

    total = ONES - (total ? total : ONES);
    at[0] = (unsigned char)(total >> 8);
    at[1] = (unsigned char)total;
}

/* What is looked at of a frame. */
typedef struct {
    unsigned char *data, *key, *transport;
    Py_ssize_t key_size;
    unsigned char *hops;
    unsigned int total, length; /* bytes of the IP packet, and of the segment's data */
} Segment;

/* Whether a frame of `octets` bytes is a plain segment, by itself. */
static int
read_segment(Segment *segment, unsigned char *data, uint32_t octets, const char *own, long mtu)
{
    unsigned int kind, header, room;

    if (octets < ETHERNET + 40 || memcmp(data, own, 6) != 0)
        return 0;
    segment->data = data;
    kind = read_u16(data + 12);
    if (kind == 0x0800) {
        if (data[14] != 0x45 || read_u16(data + 20) & 0x3FFF || data[23] != TCP)
            return 0;
        segment->total = read_u16(data + 16);
        if (segment->total < 20)
            return 0;
        room = segment->total - 20;
        segment->hops = data + 22;
        segment->key = data + 26;
        segment->key_size = 12;
    } else if (kind == 0x86DD) {
        if (octets < ETHERNET + 60 || data[14] >> 4 != 6 || data[20] != TCP)
            return 0;
        room = read_u16(data + 18);
        segment->total = room + 40;
        segment->hops = data + 21;
        segment->key = data + 22;
        segment->key_size = 36;
    } else
        return 0;
    segment->transport = segment->key + segment->key_size - 4;
    header = (unsigned int)(segment->transport[12] >> 4) << 2;
    if ((segment->transport[13] & ENDS) != ACK || *segment->hops < 2 || header < TCP_HEADER
        || header > room || (long)segment->total > mtu || segment->total + ETHERNET > octets)
        return 0;
    segment->length = room - header;
    return 1;
}

static inline void
advance(unsigned int *position, uint32_t to)
{
    uint32_t by = to - (uint32_t)*position;

    if (by > 0 && by < HALF)
        *position = to;
}

static void
change_segment(Segment *segment, const Way *way, const char *macs)
{
    memcpy(segment->data, macs, 12);
    --*segment->hops;
    if (segment->key_size == 12) /* one hop less is 0x100 less; then the addresses */
        correct(segment->data + 24, ONES - 0x100 + way->address_change);
    if (way->key_size == segment->key_size) {
        memcpy(segment->key, way->key, (size_t)way->key_size);
        correct(segment->transport + 16, way->change);
    }
}

/* The way of a segment, borrowed; NULL if there is none, or with an error. */
static Way *
find_way(PyObject *ways, const Segment *segment, PyObject *type)
{
    PyObject *key = PyBytes_FromStringAndSize((const char *)segment->key, segment->key_size);
    PyObject *found;

    if (key == NULL)
        return NULL;
    found = PyDict_GetItemWithError(ways, key);
    Py_DECREF(key);
    if (found != NULL && !PyObject_TypeCheck(found, (PyTypeObject *)type)) {
        PyErr_SetString(PyExc_TypeError, "ways must be of this module's Way");
        return NULL;
    }
    return (Way *)found;
}

static PyObject *
forward(PyObject *module, PyObject *args)
{
    State *state = PyModule_GetState(module);
    PyObject *ways, *touched = NULL, *result = NULL;
    Py_buffer ring, vectors;
    unsigned long long address, turn, begun;
    Py_ssize_t first, most, count, size, at, number, own_size, macs_size;
    const char *own, *macs;
    long mtu;

    if (!PyArg_ParseTuple(args, "w*K(nnnn)O!(y#y#l)Kw*n:forward", &ring, &address, &first, &most,
                          &count, &size, &PyDict_Type, &ways, &own, &own_size, &macs, &macs_size,
                          &mtu, &turn, &vectors, &at))
        return NULL;
    if (first < 0 || most < 0 || count < 1 || size < SLOT_HEADER || size % 4 || at < 0 || own_size != 6
        || macs_size != 12 || count > ring.len / size || first > PY_SSIZE_T_MAX - most
        || at > vectors.len / 16 || most > vectors.len / 16 - at) {
        PyErr_SetString(PyExc_ValueError, "what is given does not fit the ring or the vectors");
        goto done;
    }
    touched = PyList_New(0);
    if (touched == NULL)
        goto done;
    begun = turn;
    for (number = first; number < first + most; number++) {
        unsigned char *slot = (unsigned char *)ring.buf + number % count * size;
        uint64_t vector[2];
        uint32_t status, octets, captured;
        uint16_t offset;
        Segment segment;
        Way *way;

        /* The kernel writes the status last: what follows must not be read before it. */
        status = __atomic_load_n((uint32_t *)slot, __ATOMIC_ACQUIRE);
        memcpy(&octets, slot + 4, 4);
        memcpy(&captured, slot + 8, 4);
        memcpy(&offset, slot + 12, 2);
        if ((status & (FOR_US | CHECKSUM_NOT_READY)) != FOR_US || captured < octets
            || offset > size || octets > size - offset
            || !read_segment(&segment, slot + offset, octets, own, mtu))
            break;
        way = find_way(ways, &segment, state->way_type);
        if (way == NULL) {
            if (PyErr_Occurred())
                goto done;
            break;
        }
        if (!way->open)
            break;
        if (way->turn < begun && PyList_Append(touched, (PyObject *)way) < 0)
            goto done;
        advance(&way->sent, read_u32(segment.transport + 4) + segment.length);
        advance(&way->acked, read_u32(segment.transport + 8));
        way->turn = turn;
        change_segment(&segment, way, macs);
        vector[0] = address + (uint64_t)(segment.data - (unsigned char *)ring.buf);
        vector[1] = segment.total + ETHERNET;
        memcpy((char *)vectors.buf + 16 * (at + (Py_ssize_t)(turn - begun)), vector, 16);
        turn++;
    }
    result = Py_BuildValue("KO", turn - begun, touched);
done:
    Py_XDECREF(touched);
    PyBuffer_Release(&ring);
    PyBuffer_Release(&vectors);
    return result;
}

static PyObject *
give_back(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t first, number, count, size, each;
    Py_buffer ring;

    if (!PyArg_ParseTuple(args, "w*(nnnn):give_back", &ring, &first, &number, &count, &size))
        return NULL;
    if (first < 0 || number < 0 || count < 1 || size < SLOT_HEADER || size % 4
        || count > ring.len / size || first > PY_SSIZE_T_MAX - number) {
        PyBuffer_Release(&ring);
        PyErr_SetString(PyExc_ValueError, "what is given does not fit the ring");
        return NULL;
    }
    /* What was read of a slot must have been read before the kernel may write it. */
    for (each = first; each < first + number; each++)
        __atomic_store_n((uint32_t *)((char *)ring.buf + each % count * size), 0, __ATOMIC_RELEASE);
    PyBuffer_Release(&ring);
    Py_RETURN_NONE;
}

static int
fill_module(PyObject *module)
{
    State *state = PyModule_GetState(module);

    state->way_type = PyType_FromModuleAndSpec(module, &way_spec, NULL);
    if (state->way_type == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Way", state->way_type);
}

static int
traverse_module(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);

    if (state != NULL)
        Py_VISIT(state->way_type);
    return 0;
}

static int
clear_module(PyObject *module)
{
    State *state = PyModule_GetState(module);

    if (state != NULL)
        Py_CLEAR(state->way_type);
    return 0;
}

static PyMethodDef methods[] = {
    {"forward", forward, METH_VARARGS, "See halfopen.labs.forwarder.loops.pure.forward."},
    {"give_back", give_back, METH_VARARGS, "See halfopen.labs.forwarder.loops.pure.give_back."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill_module},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "halfopen.labs.forwarder.loops._compiled",
    .m_doc = "The loops of halfopen.labs.forwarder.loops.pure, compiled.",
    .m_size = sizeof(State),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse_module,
    .m_clear = clear_module,
};

PyMODINIT_FUNC
PyInit__compiled(void)
{
    return PyModuleDef_Init(&definition);
}
