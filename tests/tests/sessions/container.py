"""A service host of CloudSOA's contract, by grpcio-tools: container.py PROTO-DIRECTORY"""

import sys
import tempfile
from concurrent import futures

import grpc
import grpc_tools.protoc

out = tempfile.mkdtemp()
arguments = ["protoc", f"-I{sys.argv[1]}", f"--python_out={out}", f"--grpc_python_out={out}", "compute.proto"]
assert grpc_tools.protoc.main(arguments) == 0
sys.path.insert(0, out)
import compute_pb2 as messages  # noqa: E402
import compute_pb2_grpc as services  # noqa: E402


class Compute(services.ComputeServiceServicer):
    def Execute(self, request, context):
        answer = messages.ExecuteResponse(request_message_id=request.message_id)
        if request.action == "reject":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not like this")
        if request.action == "fail":
            answer.is_fault, answer.fault_message = True, "no such number"
        else:
            answer.payload = request.payload.upper() + f" data {request.user_data}".encode()
        assert context.time_remaining() is not None and len(request.session_id) == 32
        return answer

    def HealthCheck(self, request, context):
        return messages.HealthCheckResponse(healthy=True, service_name="calc")

    def GetServiceInfo(self, request, context):
        return messages.GetServiceInfoResponse(service_name="calc", actions=["up", "fail"], version="1.0")


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
services.add_ComputeServiceServicer_to_server(Compute(), server)
print("listening", server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
