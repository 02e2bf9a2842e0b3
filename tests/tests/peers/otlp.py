"""A collector: takes spans by OTLP over gRPC, and prints each as a line of JSON.

With three files, a certificate, its key and a CA, it speaks TLS, and takes clients of that CA alone.
"""

import json
import sys
from concurrent import futures

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as rpc


def plain(attributes):
    return {it.key: getattr(it.value, it.value.WhichOneof("value")) for it in attributes}


class Collector(rpc.TraceServiceServicer):
    def Export(self, request, context):
        headers = dict(context.invocation_metadata())
        for resource in request.resource_spans:
            of = plain(resource.resource.attributes)
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                line = {
                    "service": of.get("service.name"),
                    "instance": of.get("service.instance.id"),
                    "authorization": headers.get("authorization"),
                    "name": span.name,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "kind": span.kind,
                    "status": MessageToDict(span.status),
                    "nanos": span.end_time_unix_nano - span.start_time_unix_nano,
                    "attributes": plain(span.attributes),
                    "events": [[event.name, plain(event.attributes)] for event in span.events],
                }
                print(json.dumps(line), flush=True)
        return service.ExportTraceServiceResponse()


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
rpc.add_TraceServiceServicer_to_server(Collector(), server)
if len(sys.argv) > 1:
    cert, key, ca = (open(path, "rb").read() for path in sys.argv[1:])
    credentials = grpc.ssl_server_credentials([(key, cert)], ca, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
else:
    port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(f"listening {port}", flush=True)
server.wait_for_termination()
