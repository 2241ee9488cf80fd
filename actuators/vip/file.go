package vip

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// keepalived reads one file; that one includes a file of each virtual address.
const (
	mainFile = "/etc/keepalived/keepalived.conf"
	confDir  = "/etc/keepalived/conf.d"
	confEnd  = ".conf"
)

// mainText is the whole main file where we make it.
const mainText = "# Made by Plumbline with the first virtual address of this host, and removed with the last one.\ninclude " + confDir + "/*" + confEnd + "\n"

func confPath(name string) string { return filepath.Join(confDir, name+confEnd) }

// text is the file of a virtual address. All hosts begin as backup; of those that hear nobody, the one with the highest
// priority takes the address.
func text(name string, m actuators.Mark, r Router) string {
	return fmt.Sprintf("# %s\n", m) + body(name, r)
}

func body(name string, r Router) string {
	group, preempt := "", "nopreempt"
	if r.Failback > 0 {
		preempt = fmt.Sprintf("preempt_delay %d", r.Failback)
	}
	if r.Group != "" {
		group = "# group " + r.Group + "\n"
	}
	return group + fmt.Sprintf(`vrrp_instance %s {
    version 3
    state BACKUP
    interface %s
    virtual_router_id %d
    priority %d
    advert_int %d.%02d
    %s
    virtual_ipaddress {
        %s dev %s
    }
}
`, name, r.Interface, r.VRID, r.Priority, r.Advert/1000, r.Advert%1000/10, preempt, r.Address, r.Interface)
}

var words = regexp.MustCompile(`(?m)^ *(interface|virtual_router_id|priority|advert_int|preempt_delay) +(\S+)$|^ *(\S+/\d+) dev |^# (group) (\S+)$`)

// parse is the inverse of text. What text would not have written gives a checksum beside what could be read.
func parse(name, content string) (c Config, mark *actuators.Mark) {
	rest := content
	if first, after, _ := strings.Cut(content, "\n"); strings.HasPrefix(first, "# plumb:") {
		mark, rest = actuators.ParseMark(first), after
	}
	if mark != nil && mark.ID != schema.MakeID("vip", name) {
		mark = nil // a copy
	}
	for _, found := range words.FindAllStringSubmatch(rest, -1) {
		c.read(found[1]+found[4], found[2]+found[5], found[3])
	}
	if other, ok := foreignRouter(name, rest); ok && body(name, c.Router) != rest {
		other.Group = c.Group
		c.Router = other
	}
	if body(name, c.Router) != rest && !says(name, rest, c.Router) || !utf8.ValidString(rest) { // which crosses no wire as it is
		sum := sha256.Sum256([]byte(rest))
		c.Edited = hex.EncodeToString(sum[:8])
	}
	return c, mark
}

func (r *Router) read(word, value, address string) {
	var seconds float64
	switch word {
	case "group":
		r.Group = value
	case "interface":
		r.Interface = value
	case "virtual_router_id":
		fmt.Sscan(value, &r.VRID)
	case "preempt_delay":
		fmt.Sscan(value, &r.Failback)
	case "priority":
		fmt.Sscan(value, &r.Priority)
	case "advert_int":
		fmt.Sscan(value, &seconds)
		r.Advert = int64(seconds*1000 + 0.5)
	default:
		r.Address = address
	}
}

// readFile gives "" for an absent file.
func readFile(h actuators.Host, path string) (string, error) {
	data, err := h.ReadFile(path)
	if errors.Is(err, actuators.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	}
	return string(data), nil
}

// configured lists the names of the files of virtual addresses, ours or not.
func configured() ([]string, error) {
	names, err := files.List(confDir)
	var out []string
	for _, name := range names {
		if base, ok := strings.CutSuffix(name, confEnd); ok && !strings.HasPrefix(base, groupStart) {
			out = append(out, base)
		}
	}
	return out, ignoreAbsent(err)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

var includes = regexp.MustCompile(`(?m)^\s*include[a-z_]*\s+(?:/etc/keepalived/)?conf\.d/\*\.conf\s*$`)

// mustInclude refuses a main file of somebody else that does not read our files.
func mustInclude(content string) error {
	if content == "" || includes.MatchString(content) {
		return nil
	}
	return fmt.Errorf("%w: %s was not made by this installation and does not read %s; add the line \"include %s/*%s\" to it, or take keepalived out of use on this host",
		actuators.ErrForeign, mainFile, confDir, confDir, confEnd)
}
