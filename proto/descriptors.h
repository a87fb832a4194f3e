/* descriptors.h - every .proto file here as protoc describes it (a FileDescriptorSet), for reflection. */
#ifndef PROTO_DESCRIPTORS_H
#define PROTO_DESCRIPTORS_H

#include <stddef.h>

extern const unsigned char proto_descriptors[];
extern const size_t proto_descriptors_size;

#endif
