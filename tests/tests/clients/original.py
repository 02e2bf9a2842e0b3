"""A client of the Go original's `ClusterService`, which knows its names, numbers and spelling and nothing of ours. What it is
told of a frontier it dials, and connects there as a service of the original does.

original.py PROTO-DIRECTORY HOST:PORT TOKEN
"""

import base64
import json
import socket
import struct
import sys
import tempfile

import grpc
import grpc_tools.protoc

protos, target, token = sys.argv[1:]
DEADLINE = 20

out = tempfile.mkdtemp()
arguments = ["protoc", f"-I{protos}", f"--python_out={out}", f"--grpc_python_out={out}", "original.proto"]
assert grpc_tools.protoc.main(arguments) == 0
sys.path.insert(0, out)
import original_pb2 as messages  # noqa: E402
import original_pb2_grpc as services  # noqa: E402

shown = [("authorization", f"Bearer {token}")]
client = services.ClusterServiceStub(grpc.insecure_channel(target))


def ask(call, request):
    return call(request, timeout=DEADLINE, metadata=shown)


EDGES = {1, 2, 2**64 - 1}
[frontier] = ask(client.ListFrontiers, messages.ListFrontiersRequest()).frontiers
assert frontier.frontier_id == "g1", frontier
for edge in EDGES:
    found = ask(client.GetFrontierByEdge, messages.GetFrontierByEdgeIDRequest(edge_id=edge)).fontier
    assert found == frontier, found
    told = ask(client.GetEdgeByID, messages.GetEdgeByIDRequest(edge_id=edge)).edge
    assert (told.edge_id, told.frontier_id) == (edge, "g1") and told.addr and told.update_time, told
listed = ask(client.ListEdges, messages.ListEdgesRequest()).edges
assert {edge.edge_id for edge in listed} == EDGES, listed
some = ask(client.ListEdges, messages.ListEdgesRequest(edge_ids=[2, 1])).edges
assert [edge.edge_id for edge in some] == [2, 1], some
page = ask(client.ListEdges, messages.ListEdgesRequest(cursor=0, count=2))
rest = ask(client.ListEdges, messages.ListEdgesRequest(cursor=page.cursor, count=2))
assert {edge.edge_id for edge in [*page.edges, *rest.edges]} == EDGES, (page, rest)
assert ask(client.GetEdgesCount, messages.GetEdgesCountRequest()).count == 3
[service] = ask(client.ListServices, messages.ListServicesRequest()).services
assert (service.service, service.frontier_id) == ("files", "g1"), service
assert ask(client.GetServicesCount, messages.GetServicesCountRequest()).count == 1

try:
    ask(client.GetFrontierByEdge, messages.GetFrontierByEdgeIDRequest(edge_id=9))
    raise AssertionError("an edge that is not there is somewhere")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND, error

# As Go dials it: host and port, and nothing else.
host, port = frontier.advertised_sb_addr.rsplit(":", 1)
meta = json.dumps({"service": "from frontlas", "topics": None}).encode()
body = struct.pack(">HQ", 0x1800, 0) + json.dumps({"meta": base64.b64encode(meta).decode()}).encode()
with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
    connection.sendall(struct.pack(">BBQI", 1, 0x01, 77, len(body)) + body)
    answer = connection.makefile("rb")
    version, kind, number, length = struct.unpack(">BBQI", answer.read(14))
    assert (version, kind, number) == (1, 0x02, 77), (version, kind, number)
    body = answer.read(length)
    assert body[0] == 0 and "error" not in json.loads(body[9:]), body
