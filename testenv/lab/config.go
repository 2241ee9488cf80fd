package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"

	"plumbline/testenv/canary"
)

// Config describes a laboratory. It is stored as lab.json in Dir.
type Config struct {
	Name  string       // distinguishes machine IDs and UUIDs of labs; default: base name of Dir
	Dir   string       // holds all state of the lab; made if absent, removed by Down
	Hosts []HostConfig // booted at once, in parallel
	Share []string     // directories that every host sees at the same path, writable
	Keep  bool         // the lab outlives its starter, until Down
	TSIG  TSIG         // key of the zones; generated if empty
	SSH   SSH          // keys of a lab with sshd; generated if empty
}

// HostConfig describes one host.
type HostConfig struct {
	Name       string
	NICs       []NIC
	Routes     []Route
	Nameserver string            // resolv.conf; empty = no resolver
	Forward    bool              // route IPv4 between NICs
	Services   []string          // built-in services, see Services
	Daemons    []Service         // further programs that pid 1 runs
	Zones      []Zone            // what knot or bind serves here
	Files      map[string]string // path and content, written 0600 at the first boot
}

// NIC is a bare network card, plugged into a segment. Segments exist by being named.
type NIC struct {
	Name      string   // eth0, …
	Segment   string   // an L2 network of the lab; empty = no cable
	Addresses []string // CIDR
}

// Route is a static IPv4 route. To is a prefix or "default".
type Route struct{ To, Via string }

// TSIG is the key that signs updates and transfers of the lab's zones. Every host has the secret
// in base64 in /etc/plumb/secrets/NAME, mode 0600, and for tools of DNS in KeyFile.
type TSIG struct{ Name, Algorithm, Secret string }

// Zone is a DNS zone with SOA and NS only, open to updates and transfers signed by the lab's key.
type Zone struct {
	Name    string
	Address string // A record of ns.ZONE
	// Refuse lists owner names whose updates the server's ACL refuses (knot only), with all names
	// below them. Knot answers NOTAUTH with BADKEY, and applies the rule to a message all of whose records match.
	Refuse []string
}

// KeyFile holds the key on every host in the form that kdig -k and knsupdate -k take: with -y it would be a process argument.
const KeyFile = "/etc/plumb/lab-tsig.key"

// String returns the key in the form of KeyFile.
func (k TSIG) String() string { return k.Algorithm + ":" + k.Name + ":" + k.Secret }

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// complete fills defaults and refuses what cannot work.
func (c *Config) complete() error {
	if c.Dir == "" {
		return fmt.Errorf("cannot start lab: no directory")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("cannot start lab: %w", err)
	}
	c.Dir = dir
	if c.Name == "" {
		c.Name = filepath.Base(dir)
	}
	if err := c.TSIG.complete(); err != nil {
		return err
	}
	if err := c.completeSSH(); err != nil {
		return err
	}
	seen := map[string]bool{switchName: true}
	for _, h := range c.Hosts {
		if !nameForm.MatchString(h.Name) || seen[h.Name] {
			return fmt.Errorf("cannot start lab: bad or double host name %q", h.Name)
		}
		seen[h.Name] = true
		if err := h.check(); err != nil {
			return fmt.Errorf("cannot start lab: host %s: %w", h.Name, err)
		}
	}
	return nil
}

func (h HostConfig) check() error {
	for _, n := range h.NICs {
		if len(n.Name) == 0 || len(n.Name) > 15 {
			return fmt.Errorf("bad NIC name %q", n.Name)
		}
		for _, a := range n.Addresses {
			if _, err := netip.ParsePrefix(a); err != nil {
				return err
			}
		}
	}
	for _, s := range h.Services {
		if _, ok := builtin[s]; !ok {
			return fmt.Errorf("no service %q", s)
		}
	}
	return nil
}

func (k *TSIG) complete() error {
	if k.Name == "" {
		k.Name = "tsig-lab"
	}
	if k.Algorithm == "" {
		k.Algorithm = "hmac-sha256"
	}
	if k.Secret != "" {
		return nil
	}
	var err error
	k.Secret, err = canary.Secret()
	return err
}

// identity is a stable 128-bit hex number for a host of a lab.
func identity(lab, host string) string {
	sum := sha256.Sum256([]byte("plumb-lab\x00" + lab + "\x00" + host))
	return hex.EncodeToString(sum[:16])
}

func uuid(id string) string {
	return id[:8] + "-" + id[8:12] + "-4" + id[13:16] + "-8" + id[17:20] + "-" + id[20:32]
}

// CacheDir is where what is slow to make is kept between labs: guest images and
// QEMU's capabilities. Every host of a lab sees it, read-only.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cannot find cache directory: %w", err)
	}
	dir := filepath.Join(base, "plumb-lab")
	return dir, os.MkdirAll(dir, 0o755)
}
