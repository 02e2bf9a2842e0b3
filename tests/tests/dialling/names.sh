#!/bin/sh
# In a network namespace: names.sh IP GATEWAY PEER DIRECTORY URL. A gateway at 127.0.0.2, two DNS servers, and an edge.
set -eu
ip=$1 gateway=$2 peer=$3 directory=$4 url=$5
here=$(dirname "$0")

"$ip" link set lo up
printf 'nameserver 127.0.0.3\nnameserver 127.0.0.4\n' >"$directory/resolv.conf"
printf '127.0.0.1 localhost\n' >"$directory/hosts"
printf 'hosts: files dns\n' >"$directory/nsswitch.conf"
for file in resolv.conf hosts nsswitch.conf; do
    [ ! -e "/etc/$file" ] || mount --bind "$directory/$file" "/etc/$file"
done
python3=/usr/bin/python3
"$python3" "$here/names.py" >"$directory/names.log" 2>&1 &
for network in tcp ws; do
    port=30012
    [ "$network" = tcp ] || port=30013
    cat >"$directory/$network.yaml" <<END
daemon:
  frontier_id: $network
edgebound:
  listen: {network: $network, addr: "127.0.0.2:$port"}
servicebound:
  listen: {network: tcp, addr: "127.0.0.2:0"}
END
    "$gateway" --config "$directory/$network.yaml" &
done
# The edge itself tries again until they are there.
exec "$peer" edge "$url" none "$directory/none"
