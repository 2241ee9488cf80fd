package virt

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/testenv/lab"
)

const many = 1000

// crowd defines many domains on a daemon and keeps the connection, with which the test driver would forget them.
func crowd(b *testing.B, uri string) *Conn {
	b.Helper()
	ctx := context.Background()
	c, err := openURI(ctx, machine(), libvirt.ConnectURI(uri))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	for i := range many {
		text := strings.Replace(tiny, "NAME", fmt.Sprintf("vm%04d", i), 1)
		if strings.HasPrefix(uri, "test") {
			text = strings.Replace(strings.Replace(text, "type='qemu'", "type='test'", 1), " machine='q35'", "", 1)
		}
		if _, err := c.rpc.DomainDefineXMLFlags(text, 0); err != nil { // a check of each text would take most of the time
			b.Fatal(err)
		}
	}
	return c
}

// look reads all domains over a connection of its own, as each look does, and takes their texts apart.
func look(b *testing.B, uri string) {
	b.Helper()
	ctx := context.Background()
	c, err := openURI(ctx, machine(), libvirt.ConnectURI(uri))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	all, err := c.Domains(ctx, nil)
	if err != nil || len(all) < many {
		b.Fatalf("%d domains, %v", len(all), err)
	}
	for _, d := range all {
		if _, err := Parts(d, func() (x libvirtxml.Domain, err error) { return x, x.Unmarshal(d.XML) }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThousandOfTestDriver looks at the domains of libvirt's test driver, which keeps no files: every text is asked for.
func BenchmarkThousandOfTestDriver(b *testing.B) {
	lab.Bench(b, func() {
		crowd(b, "test:///default")
		look(b, "test:///default")
		defer kindtest.CPU(b)()
		for b.Loop() {
			look(b, "test:///default")
		}
	}, lab.With("libvirtd"))
}

// BenchmarkThousandOfQEMU looks at the domains of libvirt's QEMU driver, of which none runs.
func BenchmarkThousandOfQEMU(b *testing.B) {
	lab.Bench(b, func() {
		crowd(b, "qemu:///system")
		look(b, "qemu:///system")
		defer kindtest.CPU(b)()
		for b.Loop() {
			look(b, "qemu:///system")
		}
	}, lab.With("libvirtd"))
}

// BenchmarkOneOfThousand looks at one domain among those of the QEMU driver.
func BenchmarkOneOfThousand(b *testing.B) {
	lab.Bench(b, func() {
		c := crowd(b, "qemu:///system")
		look(b, "qemu:///system")
		defer kindtest.CPU(b)()
		for b.Loop() {
			all, err := c.Domains(context.Background(), func(d Domain) bool { return d.Name == "vm0077" })
			if err != nil || len(all) != 1 {
				b.Fatalf("%d domains, %v", len(all), err)
			}
		}
	}, lab.With("libvirtd"))
}

// BenchmarkStampOfThousand asks whether anything changed.
func BenchmarkStampOfThousand(b *testing.B) {
	lab.Bench(b, func() {
		crowd(b, "qemu:///system")
		look(b, "qemu:///system")
		defer kindtest.CPU(b)()
		for b.Loop() {
			if stamp, err := Stamp(context.Background(), machine(), actuators.Scope{All: true}); err != nil || stamp == "" {
				b.Fatalf("stamp %q, %v", stamp, err)
			}
		}
	}, lab.With("libvirtd"))
}
