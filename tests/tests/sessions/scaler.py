"""Asks an external scaler, by grpcio-tools: scaler.py PROTO-DIRECTORY HOST:PORT SERVICE"""

import sys
import tempfile

import grpc
import grpc_tools.protoc

protos, target, service = sys.argv[1:]
DEADLINE = 60

out = tempfile.mkdtemp()
arguments = ["protoc", f"-I{protos}", f"--python_out={out}", f"--grpc_python_out={out}", "externalscaler.proto"]
assert grpc_tools.protoc.main(arguments) == 0
sys.path.insert(0, out)
import externalscaler_pb2 as messages  # noqa: E402
import externalscaler_pb2_grpc as services  # noqa: E402

scaler = services.ExternalScalerStub(grpc.insecure_channel(target))
metadata = {"scalerAddress": target, "serviceName": service, "capacityPerHost": "4"}
named = messages.ScaledObjectRef(name="hosts", namespace="default", scalerMetadata=metadata)


def say(*words):
    print(*words, flush=True)


def flag(value):
    return str(value).lower()


spec = scaler.GetMetricSpec(named, timeout=DEADLINE).metricSpecs[0]
say("spec", spec.metricName, spec.targetSize, f"{spec.targetSizeFloat:g}")
specs = next(scaler.StreamMetricSpec(named, timeout=DEADLINE)).metricSpecs
say("streamed", len(specs), f"{specs[0].targetSizeFloat:g}")
active = scaler.StreamIsActive(named, timeout=DEADLINE)
say("active", flag(next(active).result))
say("active", flag(next(active).result))
request = messages.GetMetricsRequest(scaledObjectRef=named, metricName="outstanding")
values = scaler.GetMetrics(request, timeout=DEADLINE).metricValues
say("value", len(values), values[0].metricValue, f"{values[0].metricValueFloat:g}")
say("active", flag(scaler.IsActive(named, timeout=DEADLINE).result))
try:
    scaler.IsActive(messages.ScaledObjectRef(name="hosts"), timeout=DEADLINE)
except grpc.RpcError as error:
    say("refused", error.code().name)
