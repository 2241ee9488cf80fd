#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
echo "hostname=$(hostname)"
echo "content=$(cat /data/content)"
for disk in /sys/block/vd*; do echo "disk.${disk##*/}=$(($(cat $disk/size) * 512))"; done
echo "memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024))"
echo "cpus=$(grep -c ^processor /proc/cpuinfo)"
echo "boot=$(cat /proc/sys/kernel/random/boot_id)"
echo "uptime=$(cut -d' ' -f1 /proc/uptime)"
