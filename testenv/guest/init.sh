#!/bin/sh
# First process of the tiny guest. What it reads and serves is documented in package guest.
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
while read m; do insmod /lib/modules/$m; done </lib/modules/order

# OEM strings lie NUL-separated after the five-byte SMBIOS structure of type 11.
tail -c +6 /sys/firmware/dmi/entries/11-0/raw 2>/dev/null | tr '\0' '\n' >/etc/oem
name=$(sed -n 's/^plumb\.hostname=//p' /etc/oem)
hostname "${name:-tiny}"
ip link set lo up

# nics gives every NIC that has a string "plumb.nic.MAC=ADDRESS/LENGTH[,gw=ADDRESS]" its address.
nics() {
	for nic in /sys/class/net/*; do
		dev=${nic##*/}
		[ -e /run/nic.$dev ] && continue
		setting=$(grep -i "^plumb\.nic\.$(cat $nic/address)=" /etc/oem) || continue
		: >/run/nic.$dev
		setting=${setting#*=}
		ip addr add "${setting%%,*}" dev $dev; ip link set $dev up
		case $setting in *,gw=*) ip route add default via "${setting##*gw=}";; esac
	done
}
nics

mount -t ext4 -o noatime /dev/vda2 /data
[ -e /data/content ] || echo fresh >/data/content
httpd -p 80 -h /www
echo "READY $(hostname) $(cat /proc/uptime)" >/dev/console

stop() { killall httpd; sync; umount /data; poweroff -f; }
# The only input device is the ACPI power button; its first event is a press.
for event in /dev/input/event*; do
	while dd if=$event bs=24 count=1 of=/dev/null 2>/dev/null; do
		[ -e /run/ignore-shutdown ] || stop
	done &
done
# The kernel boots on one CPU (maxcpus=1): an emulated machine of several stands still for ever in one of a hundred boots, where one CPU
# changes the code that another runs (QEMU 7.2, jump labels).
while :; do
	nics
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ "$(cat $cpu 2>/dev/null)" = 0 ] && echo 1 >$cpu
	done
	sleep 1
done
