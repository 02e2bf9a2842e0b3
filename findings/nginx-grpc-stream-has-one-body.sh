#!/usr/bin/env bash
# nginx: a gRPC stream ends when all messages of the client together reach `client_max_body_size`.
#
# The limit reads like one for uploads, 1 MiB by default; gRPC has its own for a message. To nginx a stream is one request with
# one body, however long it lives and however small its messages are: a client that sends a reading of 1,000 bytes each second
# over a bidirectional stream is cut off after 17 minutes, each time. It is not told 413 or RESOURCE_EXHAUSTED, since the
# answer has begun: grpcio sees INTERNAL and a reset stream. Only a line in nginx' log speaks of a body that is too large.
# `client_max_body_size 0` at the location helps.
#
# The script has grpcio echo 3,000 messages of 1,000 bytes over one stream: to the server itself, through nginx as it is, and
# through nginx without the limit. It exits with 0 while nginx behaves as described, and with 1 when that has changed.
#
# Needs nginx with HTTP/2, which Debian has, and Python 3.
set -euo pipefail

GRPCIO=1.85.3
PATH=$PATH:/usr/sbin
command -v nginx > /dev/null || { echo "nginx is missing: apt-get install nginx-light"; exit 2; }
dir=$(mktemp -d)
trap 'kill "${proxy:-}" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "grpcio==$GRPCIO"

read -r limited unlimited behind < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in sockets))')
cat > nginx.conf <<CONF
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/error.log error;
events {}
http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:$limited http2;
        location / { grpc_pass grpc://127.0.0.1:$behind; }
    }
    server {
        listen 127.0.0.1:$unlimited http2;
        location / { client_max_body_size 0; grpc_pass grpc://127.0.0.1:$behind; }
    }
}
CONF
nginx -e "$dir/error.log" -c "$dir/nginx.conf" &
proxy=$!

cat > finding.py <<'PY'
import sys
from concurrent import futures

import grpc

LIMITED, UNLIMITED, BEHIND = sys.argv[1:]
MESSAGES, SIZE = 3000, 1000


class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.stream_stream_rpc_method_handler(lambda messages, context: messages)


server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Echo()])
server.add_insecure_port(f"127.0.0.1:{BEHIND}")
server.start()


def echoed(port):
    """How many messages came back, and how the call ended."""
    count = 0
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream("/echo.Echo/Echo")
        messages = (bytes(SIZE) for _ in range(MESSAGES))
        try:
            for _ in call(messages, timeout=20, wait_for_ready=True):
                count += 1
            return count, grpc.StatusCode.OK, ""
        except grpc.RpcError as error:
            return count, error.code(), error.details()


direct, through, without_limit = echoed(BEHIND), echoed(LIMITED), echoed(UNLIMITED)
server.stop(None)
for way, (count, code, details) in (
    ("to the server", direct),
    ("through nginx", through),
    ("through nginx with client_max_body_size 0", without_limit),
):
    print(f"{way}: {count} of {MESSAGES} messages of {SIZE} bytes came back; {code.name} {details}")
is_as_described = (
    direct[0] == without_limit[0] == MESSAGES
    and through[0] <= (1 << 20) // SIZE
    and through[1] == grpc.StatusCode.INTERNAL
)
sys.exit(0 if is_as_described else 1)
PY

echo "$(nginx -v 2>&1 | cut -d' ' -f3), grpcio $GRPCIO"
echo "A gRPC stream through nginx ends when the client has sent client_max_body_size (1 MiB) over it, all messages together."
echo "---- seen"
venv/bin/python finding.py "$limited" "$unlimited" "$behind" || { echo "CHANGED: the stream is not cut off so"; exit 1; }
echo "log of nginx: $(grep -o 'client intended to send too large.*bytes' error.log)"
