#!/bin/sh
# In a network namespace: names.sh IP GATEWAY FRONTLAS FRONTCTL PEER DIRECTORY URL [MICROSOCKS]. Gateways and a frontlas at
# 127.0.0.2, two DNS servers, and an edge, which reaches a gateway through a proxy if there is one; or frontctl, if the URL is
# that of a control plane.
set -eu
ip=$1 gateway=$2 frontlas=$3 frontctl=$4 peer=$5 directory=$6 url=$7
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
cat >"$directory/frontlas.yaml" <<END
control_plane:
  listen: {network: tcp, addr: "127.0.0.2:40011"}
frontier_plane:
  listen: {network: tcp, addr: "127.0.0.2:40012"}
END
"$frontlas" --config "$directory/frontlas.yaml" &
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
frontlas:
  enable: true
  dial:
    addrs: ["mute.test:40012", "holed.test:40012", "127.0.0.5:40012"]
END
    "$gateway" --config "$directory/$network.yaml" &
done
# Another program than the tests' starts with what it finds in its environment: the proxies of whoever runs the tests are
# of no use here.
unset ALL_PROXY all_proxy HTTPS_PROXY https_proxy NO_PROXY no_proxy
if [ -n "${8:-}" ]; then
    "$8" -i 127.0.0.1 -p 1080 &
    export ALL_PROXY=socks5://127.0.0.1:1080
fi
lists() {
    "$frontctl" --frontlas "$1" frontiers ls 2>&1 | grep "^tcp "
}
case $url in
http://* | frontlas://*)
    # Nobody can be named before.
    until lists http://127.0.0.2:40011 >"$directory/listed"; do sleep 0.1; done
    ;;
esac
case $url in
http://*)
    lists "$url"
    exec sleep infinity
    ;;
esac
# The edge itself tries again until they are there.
exec "$peer" edge "$url" none "$directory/none"
