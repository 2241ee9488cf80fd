package host

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	machine "plumbline/reconcile/exec"
	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

// TestLostHardwareIsADifferenceThatNoStepMends lists, per case, what the diff says against full.json.
func TestLostHardwareIsADifferenceThatNoStepMends(t *testing.T) {
	whole := func() Config {
		return Config{Cores: 16, Memory: 64 << 30, Disks: map[string]Disk{"nvme-SAMSUNG_S1": {Size: 894 << 30}},
			NICs: map[string]NIC{"eth0": {MAC: "02:00:00:00:00:01", Speed: 10000, Carrier: true}, "eth1": {}}}
	}
	cases := []struct {
		name   string
		change func(c *Config)
		diff   string
	}{
		{"whole", func(*Config) {}, ""},
		{"kernel keeps some memory", func(c *Config) { c.Memory -= 1 << 30 }, ""},
		{"more memory", func(c *Config) { c.Memory *= 2 }, ""},
		{"a module is lost", func(c *Config) { c.Memory -= 2 << 30 }, "hardware.memory 62Gi → 64Gi"},
		{"a processor is lost", func(c *Config) { c.Cores = 8 }, "hardware.cores 8 → 16"},
		{"a disk is lost", func(c *Config) { c.Disks = nil }, "hardware.disks.nvme-SAMSUNG_S1 null → 800Gi"},
		{"a smaller disk", func(c *Config) { c.Disks["nvme-SAMSUNG_S1"] = Disk{Size: 1 << 30} }, "hardware.disks.nvme-SAMSUNG_S1.size 1Gi → 800Gi"},
		{"a card is lost", func(c *Config) { delete(c.NICs, "eth0") }, "hardware.nics.eth0 null → present"},
		{"another card", func(c *Config) { c.NICs["eth0"] = NIC{MAC: "02:00:00:00:00:02", Speed: 10000, Carrier: true} }, "hardware.nics.eth0.mac 02:00:00:00:00:02 → 02:00:00:00:00:01"},
		{"a slow link", func(c *Config) { c.NICs["eth0"] = NIC{MAC: "02:00:00:00:00:01", Speed: 1000, Carrier: true} }, "hardware.nics.eth0.speed 1000 Mbit/s → 10000 Mbit/s"},
		{"no link", func(c *Config) { c.NICs["eth0"] = NIC{MAC: "02:00:00:00:00:01"} }, "hardware.nics.eth0.carrier false → true"},
	}
	spec, err := os.ReadFile("testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config := whole()
			c.change(&config)
			state, _ := json.Marshal(State{Config: config})
			have := actuators.HaveJSON{Here: state}
			d, err := Kind.Diff(spec, have)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(d); got != c.diff {
				t.Errorf("got %q, want %q", got, c.diff)
			}
			if steps, err := Kind.Steps(actuators.Subject{}, d, spec, have); len(steps) > 0 || err != nil {
				t.Errorf("steps: %v, %v", steps, err)
			}
		})
	}
}

func text(d actuators.Diff) string {
	var lines []string
	for _, c := range d.Changes {
		if c.Effect != actuators.EffectNever {
			lines = append(lines, "not never:")
		}
		lines = append(lines, c.Path+" "+plain(c.From)+" → "+plain(c.To))
	}
	return strings.Join(lines, "; ")
}

func plain(value any) string {
	data, _ := json.Marshal(value)
	return strings.Trim(string(data), `"`)
}

func TestProcessors(t *testing.T) {
	two := "processor: 0\nmodel name\t: X\nphysical id: 0\ncore id: 0\n\nprocessor: 1\nmodel name\t: X\nphysical id: 0\ncore id: 0\n\nprocessor: 2\nphysical id: 1\ncore id: 0\n"
	if threads, cores, model := parseProcessors([]byte(two)); threads != 3 || cores != 2 || model != "X" {
		t.Errorf("got %d threads, %d cores, %q", threads, cores, model)
	}
	if threads, cores, _ := parseProcessors([]byte("processor: 0\nprocessor: 1\n")); threads != 2 || cores != 2 {
		t.Errorf("without places: %d threads, %d cores", threads, cores)
	}
}

// TestAHostIsSeenAsItIs looks at a host of the laboratory and at its cards, which the machine below does not have.
func TestAHostIsSeenAsItIs(t *testing.T) {
	lab.Within(t, func() {
		lives, err := Kind.Observe(context.Background(), machine.NewMachine("host1", machine.Dirs{}), actuators.Scope{All: true})
		if err != nil || len(lives) != 1 || lives[0].ID != "host/host1" || lives[0].Mark != nil {
			t.Fatalf("got %v, %v", lives, err)
		}
		var l State
		if err := json.Unmarshal(lives[0].State, &l); err != nil {
			t.Fatal(err)
		}
		id, _ := os.ReadFile("/etc/machine-id")
		if l.Status.Hostname != "host1" || l.Status.MachineID != strings.TrimSpace(string(id)) || l.Status.Kernel == "" {
			t.Errorf("status: %+v", l.Status)
		}
		out, err := exec.Command("nproc", "--all").Output()
		if err != nil {
			t.Fatal(err)
		}
		if threads, _ := strconv.Atoi(strings.TrimSpace(string(out))); l.Status.CPUs != threads || l.Config.Cores < 1 || l.Config.Cores > threads || l.Config.Memory < 1<<28 {
			t.Errorf("config: %+v with %d CPUs", l.Config, l.Status.CPUs)
		}
		blocks, err := exec.Command("sh", "-c", "lsmem --bytes --summary=only | awk '/online/ {print $NF}' | head -1").Output()
		if told := strings.TrimSpace(string(blocks)); err != nil || told != "" && told != strconv.FormatInt(l.Config.Memory, 10) {
			t.Errorf("memory %d, lsmem says %q (%v)", l.Config.Memory, told, err)
		}
		mac, _ := exec.Command("sh", "-c", "ip -br link show eth0 | awk '{print $3}'").Output()
		nic, ok := l.Config.NICs["eth0"]
		if !ok || !nic.Carrier || nic.MAC != strings.TrimSpace(string(mac)) || nic.MTU != 1500 || len(l.Config.NICs) != 1 {
			t.Errorf("cards: %+v, want eth0 with %s", l.Config.NICs, mac)
		}
	})
}
