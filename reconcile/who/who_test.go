package who

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/schema"
)

var at = time.Date(2026, 11, 23, 6, 4, 14, 0, time.UTC)

// host writes files below a root and reads their traces of half a minute before at.
func host(t *testing.T, files map[string]string, names ...string) (string, []Trace) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root, Read(t.Context(), root, nil, Query{Since: at.Add(-30 * time.Second), Until: at, Names: names})
}

const passwd = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"

// virsh is what auditd writes of a command: auid is the login's user, whatever sudo made of it.
func virsh(second, auid, ses string) string {
	id := "msg=audit(17954138" + second + ".243:24287): "
	return "type=SYSCALL " + id + "arch=c000003e syscall=59 success=yes exit=0 a0=55d a1=55d ppid=2686 pid=3538 auid=" + auid + " uid=0 gid=0 tty=pts0 ses=" + ses +
		" comm=\"virsh\" exe=\"/usr/bin/virsh\" subj=unconfined key=\"virt\"\x1dARCH=x86_64 SYSCALL=execve AUID=\"x\"\n" +
		"type=EXECVE " + id + "argc=3 a0=\"virsh\" a1=\"destroy\" a2=\"payroll\"\n"
}

func TestWhoIsToldWithHowSureThatIs(t *testing.T) {
	// at is 1795413854 in seconds
	deed := Change{Object: schema.ID("vm/payroll").On("jino0"), Names: []string{"payroll", "/var/lib/pool/payroll.qcow2"}, Since: at.Add(-20 * time.Second), Until: at}
	filter := Change{Object: schema.ID("nat/payroll").On("edge1"), Names: []string{"payroll"}, Since: at.Add(-time.Second), Until: at}
	with := func(c Change, own, near string) Change {
		c.Process, c.Nearby = strings.Fields(strings.ReplaceAll(own, "_", " ")), strings.Fields(near)
		if own != "" {
			c.Process = []string{own}
		}
		if near != "" {
			c.Nearby = strings.Split(near, ",")
		}
		return c
	}
	in := func(user, line string, typ uint16, before time.Duration) string {
		record := make([]byte, utmpSize)
		binary.LittleEndian.PutUint16(record, typ)
		copy(record[utmpLine:], line)
		copy(record[utmpUser:], user)
		copy(record[utmpHost:], "192.0.2.7")
		binary.LittleEndian.PutUint32(record[utmpSeconds:], uint32(at.Add(-before).Unix()))
		return string(record)
	}
	const sudoLine = "2026-11-23T06:04:03.1+00:00 jino0 sudo: %s : TTY=pts/0 ; PWD=/home ; USER=root ; COMMAND=/usr/bin/virsh %s\n"
	for _, c := range []struct {
		name   string
		change Change
		files  map[string]string
		want   string
	}{
		{"nothing is written down", deed, nil, "unknown"},
		{"the kernel names the process", with(filter, "nft (4711)", ""), nil, "process nft (4711) (certain: nftables)"},
		{"the kernel names the process, which touched more", with(filter, "", "dockerd (9)"), nil, "process dockerd (9) (likely: nftables)"},
		{"the kernel names two", with(filter, "", "dockerd (9),nft (7)"), nil, "one of process dockerd (9), process nft (7) (likely: nftables)"},
		{"audit knows whose process it was", with(filter, "virsh (3538)", ""), map[string]string{"var/log/audit/audit.log": virsh("54", "1000", "3")},
			"alice by process virsh (3538) (certain: nftables, audit)"},
		{"audit names the thing", deed, map[string]string{"var/log/audit/audit.log": virsh("45", "1000", "3")}, "alice, by virsh (certain: audit)"},
		{"audit names another", deed, map[string]string{"var/log/audit/audit.log": strings.ReplaceAll(virsh("45", "1000", "3"), "payroll", "web")}, "alice, by virsh (likely: audit)"},
		{"long before", deed, map[string]string{"var/log/audit/audit.log": virsh("01", "1000", "3")}, "unknown"},
		{"no login", deed, map[string]string{"var/log/audit/audit.log": virsh("45", "4294967295", "4294967295")}, "unknown"},
		{"our own looks", deed, map[string]string{"var/log/audit/audit.log": virsh("45", "1000", "3"), "proc/self/sessionid": "3"}, "unknown"},
		{"two who did the same", deed, map[string]string{"var/log/audit/audit.log": virsh("44", "1000", "3") + strings.ReplaceAll(virsh("45", "1001", "4"), "24287", "24288")},
			"one of alice, bob, by virsh (likely: audit)"},
		{"a file that was touched", Change{Object: schema.ID("vip/public").On("edge1"), Names: []string{"public"}, Since: deed.Since, Until: at}, map[string]string{"var/log/audit/audit.log": "" +
			"type=SYSCALL msg=audit(1795413850.001:9): pid=9 auid=1001 ses=5 comm=\"python3\" exe=\"/usr/bin/python3\"\n" +
			"type=PATH msg=audit(1795413850.001:9): item=1 name=\"/etc/keepalived/conf.d/public.conf\" nametype=NORMAL\n"}, "bob, by python3 (certain: audit)"},
		{"an argument in hexadecimal", deed, map[string]string{"var/log/audit/audit.log": strings.Replace(virsh("45", "1000", "3"), `a2="payroll"`, "a2=7061796F2C726F6C6C a3=7061796C6F616420 a4=706179726F6C6C", 1)},
			"alice, by virsh (likely: audit)"}, // argc says that there is no fifth
		{"libvirt tells how", deed, map[string]string{"var/log/libvirt/qemu/payroll.log": "2026-11-23 06:04:10.663+0000: shutting down, reason=destroyed\n"}, "unknown, libvirt ended it: destroyed"},
		{"a signal", deed, map[string]string{"var/log/libvirt/qemu/payroll.log": "2026-11-23T06:04:10.663000Z qemu-system-x86_64: terminating on signal 15 from pid 812 (bash)\n"},
			"process bash (812), its process got signal 15 (certain: libvirt)"},
		{"a signal of what had ended", deed, map[string]string{"var/log/libvirt/qemu/payroll.log": "2026-11-23T06:04:10.663000Z qemu-system-x86_64: terminating on signal 15 from pid 812 ()\n" +
			"2026-11-23 06:04:10.700+0000: shutting down, reason=shutdown\n"}, "process 812, its process got signal 15 (certain: libvirt)"},
		{"a signal of libvirt itself", deed, map[string]string{"var/log/libvirt/qemu/payroll.log": "2026-11-23T06:04:10.663000Z qemu-system-x86_64: terminating on signal 15 from pid 8 (/usr/sbin/libvirtd)\n"}, "unknown"},
		{"libvirtd names its client", deed, map[string]string{"var/log/libvirt/libvirtd.log": "2026-11-23 06:04:10.663+0000: 1234: info : remoteDispatchAuthList:3456 : Bypass polkit auth for privileged client pid:777,uid:1000\n"},
			"alice by process 777, by virsh (likely: libvirt)"},
		{"libvirt tells the audit", deed, map[string]string{"var/log/audit/audit.log": "type=VIRT_CONTROL msg=audit(1795413850.001:9): pid=812 uid=0 auid=4294967295 ses=4294967295 " +
			"msg='virt=kvm op=stop reason=destroyed vm=\"payroll\" uuid=a385 vm-pid=-1 exe=\"/usr/sbin/libvirtd\" hostname=? addr=? terminal=? res=success'\n"}, "unknown, libvirt: stop, destroyed"},
		{"sudo names the thing", deed, map[string]string{"var/log/auth.log": strings.Replace(strings.Replace(sudoLine, "%s", "bob", 1), "%s", "destroy payroll", 1)}, "bob, by virsh (certain: sudo)"},
		{"sudo names nothing", deed, map[string]string{"var/log/auth.log": strings.Replace(strings.Replace(sudoLine, "%s", "bob", 1), "%s", "list", 1)}, "bob, by virsh (likely: sudo)"},
		{"one is logged in", deed, map[string]string{"var/log/wtmp": in("alice", "pts/0", loggedIn, time.Hour)}, "alice on pts/0 from 192.0.2.7 (likely: sessions)"},
		{"two are logged in", deed, map[string]string{"var/log/wtmp": in("bob", "pts/1", loggedIn, 2*time.Hour) + in("alice", "pts/0", loggedIn, time.Hour)},
			"one of alice on pts/0 from 192.0.2.7, bob on pts/1 from 192.0.2.7 (likely: sessions)"},
		{"one had left", deed, map[string]string{"var/log/wtmp": in("bob", "pts/1", loggedIn, 2*time.Hour) + in("", "pts/1", loggedOut, time.Hour)}, "unknown"},
		{"rubbish", deed, map[string]string{"var/log/wtmp": "x", "var/log/audit/audit.log": "type=SYSCALL msg=audit(:\n\x00=\"", "var/log/libvirt/qemu/payroll.log": "\xff\n", "etc/passwd": ":"}, "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.files == nil {
				c.files = map[string]string{}
			}
			if c.files["etc/passwd"] == "" {
				c.files["etc/passwd"] = passwd
			}
			_, traces := host(t, c.files, c.change.Names...)
			w := Decide(c.change, traces)
			if got := w.String(); got != c.want {
				t.Errorf("got  %s\nwant %s\nof %+v", got, c.want, traces)
			}
		})
	}
}

// TestArgumentsOfCommandsAreNotTold: they may hold secrets.
func TestArgumentsOfCommandsAreNotTold(t *testing.T) {
	_, traces := host(t, map[string]string{"etc/passwd": passwd, "var/log/audit/audit.log": strings.ReplaceAll(virsh("45", "1000", "3"), "destroy", "hunter2"),
		"var/log/auth.log": "2026-11-23T06:04:03.1+00:00 jino0 sudo: bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/virsh hunter2 payroll\n"}, "payroll")
	if len(traces) != 2 {
		t.Fatalf("%+v", traces)
	}
	for _, one := range traces {
		if text := strings.Join(append(one.Names, one.Actor, one.Tool, one.How), " "); strings.Contains(text, "hunter2") {
			t.Errorf("it tells %s", text)
		}
	}
}

// TestTheJournalIsAskedOnlyWhereThereIsOne also bounds how long it may take.
func TestTheJournalIsAskedOnlyWhereThereIsOne(t *testing.T) {
	asked := 0
	run := func(context.Context, ...string) ([]byte, error) {
		asked++
		return []byte(`{"__REALTIME_TIMESTAMP":"1795413850000000","MESSAGE":"alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/virsh destroy payroll"}` + "\n" + `{"MESSAGE":[1,2]}` + "\n"), nil
	}
	root, q := t.TempDir(), Query{Since: at.Add(-time.Minute), Until: at, Names: []string{"payroll"}}
	if got := Read(t.Context(), root, run, q); len(got) != 0 || asked != 0 {
		t.Errorf("%d questions, %+v", asked, got)
	}
	if err := os.MkdirAll(filepath.Join(root, "var/log/journal/0123"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := Read(t.Context(), root, run, q); len(got) != 1 || got[0].Actor != "alice" || got[0].Source != Sudo {
		t.Errorf("%d questions, %+v", asked, got)
	}
}

func FuzzAudit(f *testing.F) {
	f.Add([]byte(virsh("45", "1000", "3")))
	f.Add([]byte("type=VIRT_CONTROL msg=audit(1795413850.001:9): msg='op=stop vm=\"payroll\"'"))
	f.Add([]byte("node=x type=EXECVE msg=audit(1795413850.001:9): argc=99999999 a0=6 a1=61"))
	f.Fuzz(func(t *testing.T, log []byte) {
		for _, one := range audit(log, Query{Since: at.Add(-time.Minute), Until: at, Names: []string{"payroll"}}, nil, "") {
			if one.Source != Audit || one.At.Before(at.Add(-2*time.Minute)) || one.At.After(at.Add(time.Minute)) {
				t.Errorf("%+v", one)
			}
		}
	})
}

func FuzzSessions(f *testing.F) {
	f.Add(bytes.Repeat([]byte{7}, utmpSize), []byte{})
	f.Fuzz(func(t *testing.T, wtmp, utmp []byte) {
		for _, one := range sessions(wtmp, utmp) {
			if strings.ContainsAny(one.Actor, "\x00\x1b\n") {
				t.Errorf("%q", one.Actor)
			}
		}
	})
}
