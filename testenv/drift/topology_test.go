package drift

// topology has an object of every kind that is tampered with, with every field that can be declared and shows in what is live.
const topology = `package boston

import "plumbline.internal/schema"

schema.#Topology & {
	site: boston: {description: "the first one", public: ["203.0.113.0/24"]}
	host: jino0: site: "boston"
	host: edge1: site: "boston"
	host: edge2: site: "boston"
	host: ns1: {
		site: "boston"
		hardware: {
			cores:  CORES
			memory: "MEMORY"
			disks: boot: size: "DISKSIZE"
			nics: {
				card0: mac: "02:00:00:00:00:07"
				card1: speed: 10000
			}
		}
	}

	pool: vmdisks: {host: "jino0", dir: "/var/lib/plumb/pools/vmdisks"}
	pool: spare: {host: "jino0", dir: "/srv/spare"}
	image: tiny: {host: "jino0", source: "IMAGE", sha256: "SUM"}
	image: spare: {host: "jino0", source: "IMAGE", sha256: "SUM", dir: "/srv/images"}
	volume: "payroll-disk": {pool: "vmdisks", size: "64Mi", from: "tiny"}
	volume: scratch: {pool: "vmdisks", size: "8Mi", file: "scratch.img", format: "qcow2"}
	volume: "spare-disk": {pool: "vmdisks", size: "8Mi"}

	bridge: app: {host: "jino0", ports: ["eth1"]}
	bridge: spare: {host: "jino0", interface: "spare0", ports: ["eth3", "eth4"], mtu: 1400}
	network: "app-boston": {host: "jino0", bridge: "app", cidr: "10.1.1.0/24", gateway: "10.1.1.1"}
	network: spare: {host: "jino0", bridge: "app"}
	address: "jino0-app": {host: "jino0", interface: "app", address: "10.1.1.2/24", network: "app-boston"}
	address: "edge1-app": {host: "edge1", interface: "eth1", address: "10.1.1.3/24", network: "app-boston"}
	address: "edge2-app": {host: "edge2", interface: "eth1", address: "10.1.1.4/24", network: "app-boston"}
	address: spare: {host: "edge2", interface: "eth3", address: "10.3.0.1/24"}

	vm: payroll: {
		host: "jino0"
		cpu: {now: 1, max: 2}
		memory: {now: "128Mi", max: "256Mi"}
		disks: [{volume: "payroll-disk"}]
		nics: [{network: "app-boston", address: "10.1.1.12"}]
		ready: {tcp: 80, timeout: "60s"}
		accel: "tcg"
	}
	vm: spare: {
		host: "jino0"
		cpu: {now: 1, max: 2, model: "qemu64"}
		memory: {now: "64Mi", max: "128Mi"}
		disks: [{volume: "spare-disk"}]
		nics: [{network: "app-boston", address: "10.1.1.13", mac: "52:54:00:00:00:13"}, {bridge: "spare", mac: "52:54:00:00:00:14"}]
		autostart: true
		power:     "stopped"
		stop: timeout: "20s"
		accel:   "tcg"
		machine: "q35"
		serial:  "/var/log/spare.console"
	}

	nat: payroll: {host: "edge1", public: "203.0.113.3", to: "10.1.1.12", network: "app-boston", ports: [80, {public: 2053, to: 53, proto: "udp"}]}
	balancer: payroll: {
		host: "edge2", public: "203.0.113.4", port: 80, network: "app-boston"
		backends: [{address: "10.1.1.12", port: 80}]
	}
	firewall: edge: {
		host: "ns1", on: "forward", interfaces: ["eth3"], default: "drop"
		deny: [{proto: "tcp", ports: [23], from: ["192.0.2.0/24"]}]
		allow: [{proto: "tcp", ports: [80, "8000-8010"], from: ["198.51.100.0/24"]}]
	}
	vip: public: {
		hosts: ["edge1", "edge2"], interface: "eth2", address: "203.0.113.3/24", vrid: 51, priority: {edge1: 120, edge2: 110}
		advert: "200ms", failback: "2s", group: "front"
	}
	vip: second: {hosts: ["edge1", "edge2"], interface: "eth2", address: "203.0.113.4/24", vrid: 52, group: "front"}

	zone: "mycompany.com": {host: "ns1", server: "127.0.0.1:53", key: {name: "tsig-boston", secret: "tsig-boston"}}
	zone: "other.com": {host: "ns1", server: "127.0.0.1:53", key: {name: "tsig-boston", secret: "tsig-boston"}}
	record: "payroll.mycompany.com": {zone: "mycompany.com", a: ["203.0.113.3"], ttl: 60}
	record: "six.mycompany.com": {zone: "mycompany.com", aaaa: ["2001:db8::3"], txt: ["v=1"], ttl: 60, scope: "nowhere"}
	record: "alias.mycompany.com": {zone: "mycompany.com", cname: "payroll.mycompany.com", ttl: 60}
}
`

const (
	memory   = `if lsmem -b >/dev/null 2>&1; then bytes=$(lsmem -b | awk '/^Total online memory/ {print $4}'); else bytes=$(awk '/^MemTotal/ {print $2*1024}' /proc/meminfo); fi; echo $((bytes / 1048576))Mi`
	diskSize = `echo $(($(cat /sys/class/block/$(basename $(readlink /dev/disk/by-id/boot))/size) / 2048))Mi`
)

// ground is what hosts have before anything is declared: cards and names of disks.
var ground = map[string]string{
	"ns1": `ip link add card0 address 02:00:00:00:00:07 type veth peer name far0
		ip link add card1 type veth peer name far1
		for card in card0 far0 card1 far1; do ip link set $card up; done
		mkdir /tmp/dev /tmp/work && mount -t overlay -o lowerdir=/dev,upperdir=/tmp/dev,workdir=/tmp/work dev /dev
		mkdir -p /dev/disk/by-id && ln -s ../../vda /dev/disk/by-id/boot`,
}
