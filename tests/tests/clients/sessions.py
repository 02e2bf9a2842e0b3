"""A client of `broker.proto` that grpcio-tools generates: makes sessions, sends, flushes and fetches, one way and both ways.

sessions.py PROTO-DIRECTORY HOST:PORT
"""

import os
import sys
import tempfile

import grpc
import grpc_tools.protoc
from grpc_health.v1 import health_pb2, health_pb2_grpc

protos, target = sys.argv[1:]
DEADLINE = 60

out = tempfile.mkdtemp()
standard = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
arguments = ["protoc", f"-I{protos}", f"-I{standard}", f"--python_out={out}", f"--grpc_python_out={out}", "broker.proto"]
assert grpc_tools.protoc.main(arguments) == 0
sys.path.insert(0, out)
import broker_pb2 as messages  # noqa: E402
import broker_pb2_grpc as services  # noqa: E402

channel = grpc.insecure_channel(target)
client = services.BrokerServiceStub(channel)
health = health_pb2_grpc.HealthStub(channel)
request = health_pb2.HealthCheckRequest(service="cloudsoa.BrokerService")
while health.Check(request, timeout=DEADLINE).status != health_pb2.HealthCheckResponse.SERVING:
    pass

# The five calls of CloudSOA's.
made = client.CreateSession(messages.CreateSessionRequest(service_name="calc", properties={"a": "b"}), timeout=DEADLINE)
assert len(made.session_id) == 32 and made.state == messages.ACTIVE and made.properties == {"a": "b"}, made
assert made.session_idle_timeout.seconds == 300 and made.created_at.seconds > 0, made
named = {"session_id": made.session_id}
assert client.GetSession(messages.GetSessionRequest(**named), timeout=DEADLINE).service_name == "calc"
assert client.AttachSession(messages.AttachSessionRequest(client_id="py", **named), timeout=DEADLINE).client_id == "py"
while client.GetSessionStatus(messages.GetSessionStatusRequest(**named), timeout=DEADLINE).hosts == 0:
    pass


def requests(numbers):
    for number in numbers:
        yield messages.BrokerRequest(action="echo", payload=b"\xff%d" % number, user_data=str(number), **named)


def read(stream):
    """What was answered, by user data, and the end."""
    answered, end = {}, None
    for response in stream:
        assert end is None, "nothing follows the end"
        if response.HasField("end_of_responses"):
            end = response.end_of_responses
        else:
            assert not response.is_fault, response
            answered[int(response.user_data)] = response.payload
    return answered, end


expected = {number: b"\xff%d" % number for number in range(2000)}

# One after the other.
summary = client.SendRequests(requests(range(1000)), timeout=DEADLINE)
assert summary.accepted == 1000, summary
more = client.SendRequests(requests(range(1000, 2000)), timeout=DEADLINE)
assert more.accepted == 1000, more
flush = messages.FlushRequestsRequest(sent=2000, end=True, **named)
assert client.FlushRequests(flush, timeout=DEADLINE).committed == 2000
answered, end = read(client.GetResponses(messages.GetResponsesRequest(**named), timeout=DEADLINE))
assert answered == expected and (end.count, end.reason) == (2000, "Success"), end
again, end = read(
    client.GetResponses(messages.GetResponsesRequest(position=messages.BEGIN, count=7, **named), timeout=DEADLINE)
)
assert len(again) == 7 and end is None

# Both at once, by another client.
def both():
    for place, number in enumerate(range(2000)):
        first = dict(client_id="both", **named) if place == 0 else {}
        yield messages.BrokerRequest(action="echo", payload=b"\xff%d" % number, user_data=str(number), **first)


answered, end = read(client.SendAndGetResponses(both(), timeout=DEADLINE))
assert answered == expected and end.count == 2000, end

try:
    client.FlushRequests(flush, timeout=DEADLINE)
    raise AssertionError("it has ended its requests before")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
    trailers = dict(error.trailing_metadata())
    assert trailers["fault-code"] == "Broker_EOMReject_GetResponse", trailers
client.CloseSession(messages.CloseSessionRequest(**named), timeout=DEADLINE)
assert client.GetSession(messages.GetSessionRequest(**named), timeout=DEADLINE).state == messages.CLOSED
