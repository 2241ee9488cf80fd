package drift

// redefine gives a stopped domain a definition that somebody edited.
func redefine(edit string) string {
	return "sed -E '" + edit + "' /root/spare.xml | virsh -q define /dev/stdin"
}

var guests = []chain{{
	object: "vm/spare@jino0", host: "jino0",
	keep: "virsh dumpxml --inactive spare >/root/spare.xml", mend: "virsh -q define /root/spare.xml",
	all: []tamper{
		{field: "vm.cpu.now", spoil: redefine("s/current=.1./current=\"2\"/"), tells: "cpu.now"},
		{field: "vm.cpu.max", spoil: redefine("s/>2</>4</"), tells: "cpu.max"},
		{field: "vm.cpu.model", spoil: redefine("s/>qemu64</>Nehalem</"), tells: "cpu.model"},
		{field: "vm.memory.now", spoil: redefine("s/>65536</>98304</"), tells: "memory.now"},
		{field: "vm.memory.max", spoil: redefine("s/>131072</>262144</"), tells: "memory.max"},
		{field: "vm.disks.volume", spoil: redefine("s/spare-disk.qcow2/other.qcow2/"), tells: "disks.vda"},
		{field: "vm.nics.network", spoil: redefine("s/network=.app-boston./network=\"spare\"/"), tells: "nics.52:54:00:00:00:13"},
		{field: "vm.nics.bridge", spoil: redefine("s/bridge=.spare0./bridge=\"app\"/"), tells: "nics.52:54:00:00:00:14"},
		{field: "vm.nics.mac", spoil: redefine("s/address=.52:54:00:00:00:14./address=\"52:54:00:00:00:99\"/"), tells: "nics.52:54:00:00:00:99 nics.52:54:00:00:00:14"},
		{field: "vm.nics.address", spoil: redefine("s/=10.1.1.13/=10.1.1.99/"), tells: "nics.52:54:00:00:00:13.address"},
		{field: "vm.stop.timeout", spoil: redefine("s/stop=.20s./stop=\"99s\"/"), tells: "stop.timeout"},
		{field: "vm.serial", spoil: redefine("s/spare.console/other.console/"), tells: "serial"},
		{field: "vm.machine", spoil: redefine("s/pc-q35-7.2/pc-i440fx-7.2/; /<controller type=.pci./,/<\\/controller>/d; /<controller type=.sata./,/<\\/controller>/d; /<address type=.pci./d"), tells: "machine"},
		{field: "vm.autostart", spoil: "virsh -q autostart --disable spare", mend: "virsh -q autostart spare", tells: "autostart"},
		{field: "vm.host", spoil: "virsh -q undefine spare", mend: "virsh -q define /root/spare.xml; virsh -q autostart spare", tells: "is gone"},
	},
}, {
	object: "vm/payroll@jino0", host: "jino0",
	all: []tamper{
		{field: "vm.power", spoil: "virsh -q suspend payroll", mend: "virsh -q resume payroll", tells: "power"},
	},
}}
