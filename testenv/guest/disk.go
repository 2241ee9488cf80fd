package guest

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// The disk: MBR with syslinux's boot code, a FAT partition to boot from, and a
// data partition up to the end.
const (
	mib       = 1 << 20
	bootStart = 1 * mib
	bootSize  = 23 * mib
	dataStart = bootStart + bootSize
	diskSize  = 32 * mib
	layout    = "mbr fat16@1+23 ext4@24+8 v1" // part of the recipe's key
)

// bootCode is Debian's syslinux package: it starts the active partition.
const bootCode = "/usr/lib/SYSLINUX/mbr.bin"

// writeDisk makes the raw disk with mtools and syslinux, which need no mount.
func writeDisk(ctx context.Context, disk, vmlinuz, initrd string) error {
	fat, data := disk+".fat", disk+".data"
	if err := makeBoot(ctx, fat, vmlinuz, initrd); err != nil {
		return err
	}
	if err := makeEmpty(data, diskSize-dataStart); err != nil {
		return err
	}
	// Without a journal: the guest syncs what it answers for.
	if err := run(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-L", "data", data); err != nil {
		return err
	}
	return assemble(disk, fat, data)
}

func makeBoot(ctx context.Context, fat, vmlinuz, initrd string) error {
	if err := makeEmpty(fat, bootSize); err != nil {
		return err
	}
	config := filepath.Join(filepath.Dir(fat), "syslinux.cfg")
	text, err := recipe.ReadFile("syslinux.cfg")
	if err != nil {
		return err
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return err
	}
	// -H: FAT's count of hidden sectors, which syslinux adds to what it reads.
	hidden := strconv.Itoa(bootStart / 512)
	for _, argv := range [][]string{
		{"mformat", "-i", fat, "-T", strconv.Itoa(bootSize / 512), "-h", "64", "-s", "32", "-H", hidden, "::"},
		{"syslinux", "--install", fat},
		{"mcopy", "-i", fat, vmlinuz, "::vmlinuz"},
		{"mcopy", "-i", fat, initrd, "::initrd.gz"},
		{"mcopy", "-i", fat, config, "::syslinux.cfg"},
	} {
		if err := run(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

func makeEmpty(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

func assemble(disk, fat, data string) error {
	if err := makeEmpty(disk, diskSize); err != nil {
		return err
	}
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	code, err := os.ReadFile(bootCode)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(mbr(code), 0); err != nil {
		return err
	}
	for at, from := range map[int64]string{bootStart: fat, dataStart: data} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(text, at); err != nil {
			return fmt.Errorf("cannot write disk: %w", err)
		}
	}
	return f.Close()
}

// mbr is a partition table: 16 bytes per partition from byte 446, the mark 55 AA at the end.
func mbr(code []byte) []byte {
	sector := make([]byte, 512)
	copy(sector[:440], code)
	partition := func(i int, active, kind byte, start, size int) {
		p := sector[446+16*i:]
		p[0], p[4] = active, kind
		copy(p[1:4], "\xfe\xff\xff") // the ends in the old geometry: "use the numbers below"
		copy(p[5:8], "\xfe\xff\xff")
		binary.LittleEndian.PutUint32(p[8:], uint32(start/512))
		binary.LittleEndian.PutUint32(p[12:], uint32(size/512))
	}
	partition(0, 0x80, 0x0e, bootStart, bootSize)
	partition(1, 0, 0x83, dataStart, diskSize-dataStart)
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}
