package guest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modules are what the guest needs beyond what Debian's cloud kernel has built in; what
// they depend on comes along.
const modules = "virtio_pci virtio_blk virtio_net virtio_balloon button evdev"

// kernelPackage depends on the newest kernel for virtual machines.
const kernelPackage = "linux-image-cloud-amd64"

type kernel struct {
	release string
	image   string            // vmlinuz
	modules map[string]string // name → file
}

// fetchKernel downloads the package and unpacks it; installing it would run
// post-installation scripts on this machine.
func fetchKernel(ctx context.Context, work string) (kernel, error) {
	name, err := realPackage(ctx)
	if err != nil {
		return kernel{}, err
	}
	get := exec.CommandContext(ctx, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name)
	get.Dir = work
	if out, err := get.CombinedOutput(); err != nil {
		return kernel{}, fmt.Errorf("apt-get download %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(debs) != 1 {
		return kernel{}, fmt.Errorf("apt-get download %s gave %d files", name, len(debs))
	}
	tree := filepath.Join(work, "kernel")
	if err := run(ctx, "dpkg-deb", "-x", debs[0], tree); err != nil {
		return kernel{}, err
	}
	return readKernel(tree, strings.TrimPrefix(name, "linux-image-"))
}

func realPackage(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-cache", "depends", "--important", kernelPackage).Output()
	if err != nil {
		return "", fmt.Errorf("apt-cache depends %s: %w", kernelPackage, err)
	}
	for _, line := range strings.Split(string(out), "\n") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: linux-image-"); ok {
			return "linux-image-" + name, nil
		}
	}
	return "", fmt.Errorf("no kernel behind %s; apt-get update may help", kernelPackage)
}

func readKernel(tree, release string) (kernel, error) {
	k := kernel{release: release, image: filepath.Join(tree, "boot", "vmlinuz-"+release), modules: map[string]string{}}
	err := filepath.WalkDir(filepath.Join(tree, "lib/modules", release), func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok && err == nil {
			k.modules[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	return k, err
}

// order lists module files so that each comes after those it depends on.
func (k kernel) order() (files []string, err error) {
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		file, ok := k.modules[name]
		if seen[name] || !ok {
			return nil // a name without a file is built in
		}
		seen[name] = true
		needs, err := depends(file)
		if err != nil {
			return err
		}
		for _, n := range needs {
			if err := add(n); err != nil {
				return err
			}
		}
		files = append(files, file)
		return nil
	}
	for _, name := range strings.Fields(modules) {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// depends reads the "depends=" string of a module's .modinfo section.
func depends(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	_, rest, found := bytes.Cut(text, []byte("\x00depends="))
	if !found {
		return nil, nil
	}
	list, _, _ := bytes.Cut(rest, []byte{0})
	return strings.FieldsFunc(string(list), func(r rune) bool { return r == ',' }), nil
}
