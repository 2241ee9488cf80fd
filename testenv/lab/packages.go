package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"plumbline/testenv/need"
)

// Packages lists the Debian packages that labs, the tiny guest and the test of the packages use.
func Packages() []string {
	return []string{
		"bind9", "bind9-dnsutils", "busybox-static", "conntrack", "curl", "dnsmasq-base", "e2fsprogs",
		"iproute2", "iptables", "iputils-ping", "keepalived", "knot", "knot-dnsutils", "libvirt-clients",
		"libvirt-daemon-system", "mmdebstrap", "mtools", "nftables", "openssh-client", "openssh-server", "procps", "prometheus", "prometheus-alertmanager", "qemu-system-x86", "qemu-utils",
		"rpm", "sudo", "syslinux", "user-mode-linux",
	}
}

// policy keeps Debian's packages from starting their daemons on the machine (invoke-rc.d(8)).
const policy = "/usr/sbin/policy-rc.d"

// Install installs the packages that are missing, and tells its progress in lines on w. No
// daemon of theirs is started. It needs root.
func Install(ctx context.Context, w io.Writer) error {
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	fmt.Fprintf(w, "installing %d packages: %s\n", len(missing), strings.Join(missing, " "))
	undo, err := forbidDaemons()
	if err != nil {
		return fmt.Errorf("cannot install packages: %w", err)
	}
	defer undo()
	argv := append([]string{"install", "-y", "--no-install-recommends"}, missing...)
	if aptGet(ctx, w, argv...) == nil {
		return nil
	}
	// Most often the package lists are absent or old.
	fmt.Fprintln(w, "fetching package lists")
	if err := aptGet(ctx, w, "update"); err != nil {
		return fmt.Errorf("cannot install packages: %w", err)
	}
	if err := aptGet(ctx, w, argv...); err != nil {
		return fmt.Errorf("cannot install packages: %w", err)
	}
	return nil
}

func missingPackages() (missing []string) {
	for _, name := range Packages() {
		if !need.Installed(name) {
			missing = append(missing, name)
		}
	}
	return missing
}

func forbidDaemons() (undo func(), err error) {
	f, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil // the machine has a policy of its own
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = f.WriteString("#!/bin/sh\n# While packages of the laboratory are installed: start nothing.\nexit 101\n")
	return func() { os.Remove(policy) }, err
}

// aptGet shows one line per package that is set up, and all output if it fails.
func aptGet(ctx context.Context, w io.Writer, argv ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "Dpkg::Use-Pty=0"}, argv...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var all bytes.Buffer
	cmd.Stderr = &all
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(io.TeeReader(out, &all))
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "Setting up "); ok {
			fmt.Fprintln(w, "installed", strings.TrimSuffix(name, " ..."))
		}
	}
	if err := cmd.Wait(); err != nil {
		text := all.String()
		return fmt.Errorf("apt-get %s: %w: %s", argv[0], err, strings.TrimSpace(text[max(0, len(text)-1000):]))
	}
	return nil
}
