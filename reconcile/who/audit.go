package who

import (
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Audit is the source of the kernel's audit log.
const Audit = "audit"

// audit reads records of auditd(8). Those of one event share its time and number:
//
//	type=SYSCALL msg=audit(1364481363.243:24287): … ppid=2686 pid=3538 auid=1000 uid=0 … comm="virsh" exe="/usr/bin/virsh" key="x"
//	type=EXECVE msg=audit(1364481363.243:24287): argc=3 a0="virsh" a1="destroy" a2="payroll"
//	type=PATH msg=audit(1364481363.243:24287): item=0 name="/etc/keepalived/conf.d/x.conf" …
//	type=VIRT_CONTROL msg=audit(1364481363.243:24288): pid=812 uid=0 auid=4294967295 … msg='virt=kvm op=stop reason=destroyed vm="payroll" …'
//
// The login's user (auid) stays the same over su and sudo; 4294967295 is nobody's: a daemon did it.
func audit(log []byte, q Query, people map[string]string, self string) []Trace {
	var out []Trace
	var event string
	var words, files []string
	one := &Trace{}
	end := func() {
		if one.Source != "" {
			one.Names, one.Files = said(q, words), said(q, files)
			out = append(out, *one)
		}
		one, words, files = &Trace{}, nil, nil
	}
	for line := range strings.Lines(string(log)) {
		typ, id, rest, ok := auditLine(line)
		if !ok {
			continue
		}
		if id != event {
			end()
			event = id
		}
		at := auditTime(id)
		if at.Before(q.Since.Add(-slack)) || at.After(q.Until.Add(slack)) {
			continue
		}
		f := pairs(rest)
		switch typ {
		case "SYSCALL":
			if self != "" && f["ses"] == self {
				continue
			}
			one.At, one.Source, one.PID, one.Tool = at, Audit, number(f["pid"]), filepath.Base(f["exe"])
			if f["exe"] == "" {
				one.Tool = f["comm"]
			}
			if auid := f["auid"]; auid != "" && auid != nobody && auid != "-1" {
				one.Actor = person(people, auid)
			}
		case "EXECVE":
			for n := range min(number(f["argc"]), auditArgs) {
				words = append(words, f["a"+strconv.Itoa(n)])
			}
		case "PATH":
			files = append(files, f["name"])
		case "VIRT_CONTROL":
			inner := pairs(strings.Trim(f["msg"], "'"))
			out = append(out, Trace{At: at, Source: Audit, Names: said(q, []string{inner["vm"]}), How: "libvirt: " + inner["op"] + ", " + inner["reason"]})
		}
	}
	end()
	return out
}

// nobody is the login and the session of what no login started: -1 as the kernel prints it.
const nobody = "4294967295"

// auditArgs is how many arguments of a command are looked at.
const auditArgs = 64

// auditLine takes "type=X msg=audit(TIME:NUMBER): FIELDS" apart; a node= may stand before.
func auditLine(line string) (typ, id, rest string, ok bool) {
	_, line, ok = strings.Cut(strings.TrimSpace(line), "type=")
	if !ok {
		return "", "", "", false
	}
	typ, line, ok = strings.Cut(line, " msg=audit(")
	if !ok {
		return "", "", "", false
	}
	id, rest, ok = strings.Cut(line, "):")
	return typ, id, rest, ok
}

// auditTime is the time of "1364481363.243:24287".
func auditTime(id string) time.Time {
	text, _, _ := strings.Cut(id, ":")
	seconds, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 40)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(s, int64(number(fraction))*int64(time.Millisecond))
}

// pairs reads KEY=VALUE. A value is in quotes, or bare; what could be mistaken is written in hexadecimal instead of quotes.
func pairs(text string) map[string]string {
	out := map[string]string{}
	for text = strings.TrimLeft(text, " \x1d"); text != ""; text = strings.TrimLeft(text, " \x1d") {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return out
		}
		if blank := strings.LastIndexByte(key, ' '); blank >= 0 {
			key = key[blank+1:]
		}
		value := ""
		switch {
		case strings.HasPrefix(rest, `"`), strings.HasPrefix(rest, "'"):
			quote := rest[:1]
			if value, text, ok = strings.Cut(rest[1:], quote); !ok {
				text = ""
			}
		default:
			value, text, _ = strings.Cut(rest, " ")
			value = unhex(key, value)
		}
		if _, twice := out[key]; !twice {
			out[key] = value
		}
	}
	return out
}

// unhex reads the fields that the kernel encodes when they hold blanks or quotes.
func unhex(key, value string) string {
	encoded := key == "comm" || key == "exe" || key == "name" || len(key) > 1 && key[0] == 'a' && number(key[1:]) > 0 || key == "a0"
	if data, err := hex.DecodeString(value); encoded && err == nil && len(value) >= 2 {
		return string(data)
	}
	return value
}
