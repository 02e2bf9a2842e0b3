"""A client of `frontier.proto` that grpcio-tools generates: lists, gets, watches, kicks, and asks for health.

generated.py PROTO-DIRECTORY HOST:PORT TOKEN
"""

import sys
import tempfile

import grpc
import grpc_tools.protoc
from grpc_health.v1 import health_pb2, health_pb2_grpc

protos, target, token = sys.argv[1:]
DEADLINE = 20

out = tempfile.mkdtemp()
arguments = ["protoc", f"-I{protos}", f"--python_out={out}", f"--grpc_python_out={out}", "frontier.proto"]
assert grpc_tools.protoc.main(arguments) == 0
sys.path.insert(0, out)
import frontier_pb2 as messages  # noqa: E402
import frontier_pb2_grpc as services  # noqa: E402

shown = [("authorization", f"Bearer {token}")]
channel = grpc.insecure_channel(target)
client = services.ControlPlaneStub(channel)


def ask(call, request):
    return call(request, timeout=DEADLINE, metadata=shown)


def code(call, request, metadata=shown):
    try:
        call(request, timeout=DEADLINE, metadata=metadata)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


health = health_pb2_grpc.HealthStub(channel)
service = "controlplane.ControlPlane"
serving = health_pb2.HealthCheckResponse.SERVING
while ask(health.Check, health_pb2.HealthCheckRequest(service=service)).status != serving:
    pass

edges = ask(client.ListEdges, messages.ListEdgesRequest(order="+edge_id", page_size=2))
assert [edge.edge_id for edge in edges.edges] == [1, 2] and edges.count == 3, edges
rest = ask(client.ListEdges, messages.ListEdgesRequest(order="+edge_id", page_token=edges.next_page_token))
assert [edge.edge_id for edge in rest.edges] == [2**64 - 1] and not rest.next_page_token, rest
edge = ask(client.GetEdge, messages.GetEdgeRequest(edge_id=2))
assert edge.meta == "sn-2" and edge.limits.streams > 0, edge
answer = ask(client.CallEdge, messages.CallEdgeRequest(edge_id=2, method="echo", payload=b"\xff\x00"))
assert answer.payload == b"\xff\x00", answer

watch = client.Watch(messages.WatchRequest(kinds=[messages.WATCH_KIND_EDGES]), timeout=DEADLINE, metadata=shown)
known = set()
for told in watch:
    assert told.WhichOneof("event") == "snapshot", told
    known.update(edge.edge_id for edge in told.snapshot.edges)
    if told.snapshot.last:
        break
assert known == {1, 2, 2**64 - 1}, known
ask(client.KickEdge, messages.KickEdgeRequest(edge_id=2))
changes = []
for told in watch:
    if told.WhichOneof("event") == "change":
        change = told.change
        changes.append(change.WhichOneof("what"))
        assert getattr(change, changes[-1]).edge_id == 2, change
    if len(changes) == 2:
        break
# It comes again by itself.
assert changes == ["edge_offline", "edge_online"], changes
watch.cancel()

assert code(client.GetEdge, messages.GetEdgeRequest(edge_id=9)) == grpc.StatusCode.NOT_FOUND
assert code(client.ListEdges, messages.ListEdgesRequest(order="height")) == grpc.StatusCode.INVALID_ARGUMENT
assert code(client.ListEdges, messages.ListEdgesRequest(), metadata=[]) == grpc.StatusCode.UNAUTHENTICATED
