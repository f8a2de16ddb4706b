#!/bin/sh
# make dossier: our own core, asked by the assurance bench in a namespace of its own, and a signed dossier of it.
# tools/own-dossier.sh VENV OUT [--apart] [--case CASE ...]. Needs root. OUT holds run/, cinq.zip, lab.pem, lab.pub.pem and
# report.html afterwards. --apart: each function is a process of its own, and the bench's functions stand among them.
set -eu
bin="$(cd "$1/bin" && pwd)"
mkdir -p "$2"
out="$(cd "$2" && pwd)"
shift 2
apart=""
if [ "${1:-}" = --apart ]; then apart=--apart; shift; fi
namespace="cinq-dossier-$$"
work="$(mktemp -d)"
umask 077

leave() {
    if [ -f "$work/core.pid" ]; then "$work/stop" || true; fi
    ip netns delete "$namespace" 2>/dev/null || true
    ip netns delete "$namespace-dn" 2>/dev/null || true
    rm -rf "$work"
}
trap leave EXIT INT TERM

ip netns add "$namespace"
ip -n "$namespace" link set lo up
# N6, and the host on it that answers pings
ip netns add "$namespace-dn"
ip -n "$namespace" link add n6 type veth peer name eth0 netns "$namespace-dn"
ip -n "$namespace" address add 10.99.0.2/30 dev n6
ip -n "$namespace-dn" address add 10.99.0.1/30 dev eth0
ip -n "$namespace" link set n6 up
ip -n "$namespace-dn" link set eth0 up
# as an operator sets up a host: docs/how-to/harden-a-host.md
for setting in all default n6; do
    ip netns exec "$namespace" sh -c "cd /proc/sys/net; echo 0 > ipv4/conf/$setting/send_redirects
        echo 0 > ipv4/conf/$setting/accept_redirects; echo 0 > ipv6/conf/$setting/accept_redirects
        echo 0 > ipv6/conf/$setting/accept_ra; echo 2 > ipv4/conf/$setting/rp_filter; echo 1 > ipv4/conf/$setting/log_martians"
done
# where answers to a flood's sources go: nowhere
ip -n "$namespace" route add 198.51.100.0/24 dev n6

# a certificate of the SBI, that names every function of the network "cinq"
"$bin/python" - "$work/tls" <<'EOF'
import sys
from pathlib import Path
from cinq.network import PARTS, identity
from cinq.sbi.certificates import Authority
from cinq.settings.network import NetworkSettings
name, folder = NetworkSettings().network.name, Path(sys.argv[1])
names = [f"urn:uuid:{identity(name, kind)}" for kind in PARTS.values() if kind]
authority = Authority.kept(folder)
authority.issue(folder, "core", names, ["127.0.0.4"])
own = [f"urn:uuid:0cb1a000-0000-4000-8000-{number:012x}" for number in (1, 2, 3)]
authority.issue(folder, "bench", own, ["127.0.0.9"])
EOF
"$bin/python" -c "
import secrets
from cinq.crypto.suci import public_key
for scheme in 1, 2:
    key = secrets.token_bytes(32)
    print(key.hex(), public_key(scheme, key).hex())
" > "$work/home.keys"
private_a=$(sed -n 1p "$work/home.keys" | cut -d' ' -f1) public_a=$(sed -n 1p "$work/home.keys" | cut -d' ' -f2)
private_b=$(sed -n 2p "$work/home.keys" | cut -d' ' -f1) public_b=$(sed -n 2p "$work/home.keys" | cut -d' ' -f2)

cat > "$work/network.toml" <<EOF
[state]
folder = "$work/state"
run = "$work/state"
[sbi]
offered = true
address = "127.0.0.4"
certificate = "$work/tls/core.pem"
key = "$work/tls/core.key"
authorities = "$work/tls/sbi-ca.pem"
[upf]
n6_interface = "n6"
smf_addresses = ["127.0.0.60"]
[[home_network_key]]
id = 1
profile = "A"
private_key = "$private_a"
[[home_network_key]]
id = 2
profile = "B"
private_key = "$private_b"
EOF

ports=7777 charges=false callback= servers='"127.0.0.4:7777"'
# Functions of one process ask each other and nobody else: a bench function among them would wait for ever.
asked= processes='"cinq up --config '$work'"'
if [ -n "$apart" ]; then
    asked='address = "127.0.0.9"'
    charges=true
    processes="\"cinq up --apart --config $work\", \"$work/tls/sbi-ca.pem --config $work\"" # the supervisor; its parts
    servers=$(seq 7777 7787 | sed 's/.*/"127.0.0.4:&"/' | paste -s -d ,)
    cat >> "$work/network.toml" <<EOF
[charging]
on = true
without_account = "postpaid"
tariff = "flat"
[[tariff]]
name = "flat"
currency = "EUR"
[[rate]]
tariff = "flat"
price = "0.01"
per = "1 MB"
EOF
    ports=$(seq -s ', ' 7777 7787)
    callback=https://127.0.0.4:7787/nf-status-callback/v1/any # of the AMF, the last of the parts
fi
key=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')
cat > "$work/product.toml" <<EOF
[product]
name = "cinq"
vendor = "the cinq project"
version = "$("$bin/cinq" --version | cut -d' ' -f2)"
[core]
amf_address = "127.0.0.5"
plmn = "999-70"
[interfaces]
n3 = "127.0.0.7"
n4 = "127.0.0.7"
smf = "127.0.0.60"
pool = "10.45.240.0/24"
n6 = "10.99.0.1"
tls = [$servers]
tcp = [$ports]
[sbi]
nrf = "https://127.0.0.4:7777"
$asked
certificate = "$work/tls/bench.pem"
key = "$work/tls/bench.key"
authorities = "$work/tls/sbi-ca.pem"
token_key = "$work/state/nrf-token.pem"
status_callback = "$callback"
profile_a = "$public_a"
profile_a_id = 1
profile_b = "$public_b"
profile_b_id = 2
[features]
assertions = true
charging = $charges
[host]
prefix = ["env"]
processes = [$processes]
private = ["$work/state", "$work/tls/core.key", "$work/tls/sbi-ca.key"]
configuration = ["$work/network.toml"]
logs = ["$work/core.log"]
[effort]
seconds = 60.0
[algorithms]
integrity = ["NIA2", "NIA1", "NIA3"]
ciphering = ["NEA2", "NEA1", "NEA3", "NEA0"]
[[subscribers]]
imsi = "999700000000001"
count = 40
k = "$key"
opc = "$key"
[knobs]
algorithm_order = "$bin/python -m cinq.lab.algorithm_order $work/network.toml $work/core.pid {integrity} {ciphering}"
log = "cat $work/core.log"
downlink_data = "sh -c 'ping -c 1 -W 1 -q {address}; true'"
packet_filter = "$bin/python -m cinq.lab.packet_filter {rule} {address} {port}"
restart = "$work/restart"
personal_data = "$bin/cinq subscriber show {supi} --config $work/network.toml"
EOF

# the core, from wherever it is started: by this script, and by the knob that starts it again
cat > "$work/start" <<EOF
#!/bin/sh
: > "$work/ready"
ip netns exec "$namespace" "$bin/cinq" up $apart --config "$work/network.toml" --json > "$work/ready" 2>> "$work/core.log" < /dev/null &
core=\$!
echo "\$core" > "$work/core.pid"
waited=0
until [ -s "$work/ready" ]; do
    waited=\$((waited + 1))
    if [ "\$waited" -gt 60 ] || ! kill -0 "\$core" 2>/dev/null; then cat "$work/core.log"; exit 1; fi
    sleep 1
done
EOF
cat > "$work/stop" <<EOF
#!/bin/sh
core=\$(cat "$work/core.pid")
kill "\$core" 2>/dev/null || exit 0
waited=0
while kill -0 "\$core" 2>/dev/null && [ "\$waited" -lt 15 ]; do waited=\$((waited + 1)); sleep 1; done
EOF
printf '#!/bin/sh\n"%s/stop" && "%s/start"\n' "$work" "$work" > "$work/restart"
chmod 700 "$work/start" "$work/stop" "$work/restart"

{
    echo "imsi,k,opc"
    for number in $(seq 1 40); do printf '99970%010d,%s,%s\n' "$number" "$key" "$key"; done
} > "$work/subscribers.csv"

"$work/start"
"$bin/cinq" subscriber import "$work/subscribers.csv" --config "$work/network.toml"

[ -f "$out/lab.pem" ] || "$bin/cinq" dossier key "$out/lab.pem"
rm -rf "$out/run"  # the key of the subscribers is new: it is another target
verdict=0
ip netns exec "$namespace" "$bin/cinq" assess run --target "$work/product.toml" --out "$out/run" "$@" || verdict=$?
"$bin/cinq" dossier build "$out/run" --out "$out/cinq.zip" --sign "$out/lab.pem"
"$bin/cinq" dossier show "$out/cinq.zip" --trust "$out/lab.pub.pem" --report "$out/report.html" > /dev/null
"$bin/cinq" dossier verify "$out/cinq.zip" --trust "$out/lab.pub.pem"
exit "$verdict"
