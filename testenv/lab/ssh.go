package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// SSH holds the keys of a lab in which a host runs sshd. Root of every host then has, as ssh(1) expects them below
// /root/.ssh, a key that opens the others and known_hosts with their keys, under name and address.
type SSH struct {
	Key  string            // PEM; generated if empty
	Host map[string]string // PEM by host; generated
}

const (
	rootSSH = "/root/.ssh/"
	hostKey = "/etc/ssh/ssh_host_ed25519_key"
)

// sshdConfig lets root in by key and nobody else. Without PAM nothing of the machine below has a say.
const sshdConfig = `HostKey ` + hostKey + `
AllowUsers root
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
`

func (c *Config) completeSSH() (err error) {
	for _, h := range c.Hosts {
		if !slices.Contains(h.Services, "sshd") {
			continue
		}
		if c.SSH.Host == nil {
			c.SSH.Host = map[string]string{}
		}
		if c.SSH.Host[h.Name] == "" {
			if c.SSH.Host[h.Name], err = newKey(); err != nil {
				return err
			}
		}
	}
	if len(c.SSH.Host) > 0 && c.SSH.Key == "" {
		c.SSH.Key, err = newKey()
	}
	return err
}

func newKey() (string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("cannot make SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, "plumb-lab")
	if err != nil {
		return "", fmt.Errorf("cannot make SSH key: %w", err)
	}
	return string(pem.EncodeToMemory(block)), nil
}

// publicLine is the line of a private key for authorized_keys and known_hosts.
func publicLine(key string) (string, error) {
	signer, err := ssh.ParsePrivateKey([]byte(key))
	if err != nil {
		return "", fmt.Errorf("cannot read SSH key: %w", err)
	}
	return string(ssh.MarshalAuthorizedKey(signer.PublicKey())), nil
}

// knownHosts lists the hosts that run sshd, as known_hosts of all.
func (c Config) knownHosts() (string, error) {
	var text strings.Builder
	for _, h := range c.Hosts {
		key := c.SSH.Host[h.Name]
		if key == "" {
			continue
		}
		line, err := publicLine(key)
		if err != nil {
			return "", err
		}
		names := []string{h.Name}
		if a := h.address(); a != "" {
			names = append(names, a)
		}
		fmt.Fprintf(&text, "%s %s", strings.Join(names, ","), line)
	}
	return text.String(), nil
}

// writeSSH gives root of a host what reaches the others.
func writeSSH(b boot) error {
	// The machine's keys and settings are none of the lab's.
	if err := emptyDir(rootSSH, 0o700); err != nil {
		return err
	}
	if err := emptyDir("/etc/ssh", 0o755); err != nil {
		return err
	}
	if b.SSH.Key == "" {
		return nil
	}
	if err := replaceFile(rootSSH+"id_ed25519", b.SSH.Key, 0o600); err != nil {
		return err
	}
	return replaceFile(rootSSH+"known_hosts", b.Known, 0o600)
}

// prepareSSH configures sshd. Whatever HostConfig.Files holds for it stays.
func prepareSSH(b boot) error {
	line, err := publicLine(b.SSH.Key)
	if err != nil {
		return err
	}
	for path, text := range map[string]string{
		hostKey:                     b.SSH.Host[b.Name],
		"/etc/ssh/sshd_config":      sshdConfig,
		rootSSH + "authorized_keys": line,
	} {
		if _, own := b.Files[path]; own {
			continue
		}
		if err := replaceFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
