"""Prints what a server says, by reflection, that there is to call.

described.py HOST:PORT SERVICE
"""

import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

target, name = sys.argv[1:]
database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(target))
assert {name, "grpc.health.v1.Health"} <= set(database.get_services()), database.get_services()
for method in DescriptorPool(database).FindServiceByName(name).methods:
    print(method.name, method.input_type.full_name, method.output_type.full_name)
