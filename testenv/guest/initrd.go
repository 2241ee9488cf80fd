package guest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const busybox = "/bin/busybox"

// applets are the busybox programs that the guest's scripts call.
const applets = "sh mount umount insmod ip httpd cat tail tr sed grep cut hostname sleep dd sync killall poweroff mv rm echo printf"

// writeInitrd writes the guest's root: busybox, modules and the scripts.
func writeInitrd(path string, k kernel) error {
	var files archive
	for _, d := range []string{"bin", "dev", "proc", "sys", "run", "data", "etc", "lib", "lib/modules", "www", "www/cgi-bin"} {
		files.add(d, 0o040755, nil)
	}
	if err := files.copy("bin/busybox", busybox); err != nil {
		return err
	}
	for _, name := range strings.Fields(applets) {
		files.add("bin/"+name, 0o120777, []byte("busybox"))
	}
	ordered, err := k.order()
	if err != nil {
		return err
	}
	var order strings.Builder
	for _, file := range ordered {
		fmt.Fprintln(&order, filepath.Base(file))
		if err := files.copy("lib/modules/"+filepath.Base(file), file); err != nil {
			return err
		}
	}
	files.add("lib/modules/order", 0o100644, []byte(order.String()))
	for to, from := range map[string]string{
		"init": "init.sh", "www/cgi-bin/index.cgi": "index.cgi", "www/cgi-bin/write": "write.cgi", "www/cgi-bin/ignore": "ignore.cgi",
	} {
		text, err := recipe.ReadFile(from)
		if err != nil {
			return err
		}
		files.add(to, 0o100755, text)
	}
	return files.write(path)
}

// archive is a cpio archive in the newc form, the one that the kernel unpacks
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	bytes.Buffer
	inode int
}

func (a *archive) add(name string, mode uint32, body []byte) {
	a.inode++
	fmt.Fprintf(a, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad()
	a.Write(body)
	a.pad()
}

func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}

func (a *archive) copy(name, from string) error {
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.add(name, 0o100755, body)
	return nil
}

func (a *archive) write(path string) error {
	a.add("TRAILER!!!", 0, nil)
	var packed bytes.Buffer
	// Fast to unpack matters more than small: the guest is emulated.
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(a.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, packed.Bytes(), 0o644)
}
