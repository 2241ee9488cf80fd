package drift

var disks = []chain{{
	object: "pool/spare@jino0", host: "jino0",
	all: []tamper{
		{field: "pool.dir pool.host", spoil: "mv /srv/spare /srv/elsewhere", mend: "mv /srv/elsewhere /srv/spare", tells: "is gone"},
	},
}, {
	object: "image/spare@jino0", host: "jino0",
	all: []tamper{
		{field: "image.sha256", spoil: "echo x >>/srv/images/spare.img", mend: "truncate -s -2 /srv/images/spare.img", tells: "sha256"},
		{field: "image.dir image.host", spoil: "mv /srv/images /srv/pictures", mend: "mv /srv/pictures /srv/images", tells: "is gone"},
	},
}, {
	object: "volume/scratch@jino0", host: "jino0",
	keep: "cp -a --sparse=always /var/lib/plumb/pools/vmdisks/scratch.img /root/", mend: "cp -a --sparse=always /root/scratch.img /var/lib/plumb/pools/vmdisks/",
	all: []tamper{
		{field: "volume.size", spoil: "qemu-img resize -q --shrink /var/lib/plumb/pools/vmdisks/scratch.img 4M", tells: "size"},
		{field: "volume.format", spoil: "cd /var/lib/plumb/pools/vmdisks; qemu-img convert -O raw scratch.img other && cat other >scratch.img; rm other", tells: "format"},
		{field: "volume.file", spoil: "cd /var/lib/plumb/pools/vmdisks; mv scratch.img scratch.bak", mend: "cd /var/lib/plumb/pools/vmdisks; mv scratch.bak scratch.img", tells: "is gone"},
		{field: "volume.pool volume.host", spoil: "mv /var/lib/plumb/pools/vmdisks/scratch.img /srv/", mend: "mv /srv/scratch.img /var/lib/plumb/pools/vmdisks/", tells: "is gone"},
	},
}}
