"""A client that knows nothing but an address: what there is to call it asks the server, by reflection.

reflected.py HOST:PORT TOKEN SERVICE
"""

import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

target, token, name = sys.argv[1:]
DEADLINE = 20


class Shown(grpc.UnaryUnaryClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Shows the token with everything, reflection too."""

    def with_token(self, details):
        details = details._replace(metadata=[("authorization", f"Bearer {token}")], timeout=DEADLINE)
        return details

    def intercept_unary_unary(self, go_on, details, request):
        return go_on(self.with_token(details), request)

    def intercept_stream_stream(self, go_on, details, requests):
        return go_on(self.with_token(details), requests)


channel = grpc.intercept_channel(grpc.insecure_channel(target), Shown())
database = ProtoReflectionDescriptorDatabase(channel)
assert {name, "grpc.health.v1.Health"} <= set(database.get_services()), database.get_services()
service = DescriptorPool(database).FindServiceByName(name)


def ask(method, **fields):
    method = service.methods_by_name[method]
    request = GetMessageClass(method.input_type)(**fields)
    answer = GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{name}/{method.name}", request_serializer=lambda it: it.SerializeToString(), response_deserializer=answer.FromString
    )
    return MessageToDict(call(request), preserving_proto_field_name=True)


edges = ask("ListEdges")["edges"]
assert {edge["edge_id"] for edge in edges} == {"1", "2", str(2**64 - 1)}, edges
services = ask("ListServices")["services"]
assert [it["service"] for it in services] == ["files"], services
