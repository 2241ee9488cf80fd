package virt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"

	"plumbline/actuators"
)

// Hint says that something about a domain may have changed. An empty Domain means any.
type Hint struct {
	Domain   string
	Text     string
	Standing bool // the first hint: everything is heard from now on
}

// pingEvery is how often a silent daemon is asked whether it is there; a frozen one does not close its socket.
const pingEvery = 30 * time.Second

var watched = []libvirt.DomainEventID{
	libvirt.DomainEventIDLifecycle, libvirt.DomainEventIDReboot, libvirt.DomainEventIDDeviceAdded,
	libvirt.DomainEventIDDeviceRemoved, libvirt.DomainEventIDMetadataChange,
}

// Watch sends hints over a connection of its own until the context ends or the daemon goes away, and returns why. Its
// first hint means any domain: what happened before the subscription was not heard.
func Watch(ctx context.Context, h actuators.Host, emit func(Hint)) error {
	c, err := Open(ctx, h)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	hints := make(chan Hint)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer c.Close() // before the readers are waited for: it ends their streams
	defer cancel()
	for _, id := range watched {
		if err := c.subscribe(ctx, id, hints, &readers); err != nil {
			return err
		}
	}
	emit(Hint{Text: "subscribed to libvirt events", Standing: true})
	return c.forward(ctx, hints, emit)
}

func (c *Conn) subscribe(ctx context.Context, id libvirt.DomainEventID, hints chan<- Hint, readers *sync.WaitGroup) error {
	var events <-chan any
	err := c.call(ctx, "subscribe to events", func() (err error) {
		events, err = c.rpc.SubscribeEvents(ctx, id, nil)
		return err
	})
	if err != nil {
		return err
	}
	readers.Go(func() {
		for event := range events { // drained to its end, or the library's goroutine would wait for ever
			select {
			case hints <- hint(event):
			case <-ctx.Done():
			}
		}
	})
	return nil
}

func (c *Conn) forward(ctx context.Context, hints <-chan Hint, emit func(Hint)) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case hint := <-hints:
			emit(hint)
		case <-ping.C:
			if err := c.ping(ctx); err != nil {
				return err
			}
		case <-c.rpc.Disconnected():
			return fmt.Errorf("cannot watch domains: %w: disconnected from libvirtd at %s", actuators.ErrTransient, Socket)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Conn) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingEvery/3)
	defer cancel()
	return c.call(ctx, "reach libvirtd", func() error {
		_, err := c.rpc.ConnectGetLibVersion()
		return err
	})
}

var lifecycle = [...]string{"defined", "undefined", "started", "suspended", "resumed", "stopped", "shut down", "suspended by its guest", "crashed"}

func hint(event any) Hint {
	switch e := event.(type) {
	case *libvirt.DomainEventCallbackLifecycleMsg:
		text := "changed"
		if n := int(e.Msg.Event); n >= 0 && n < len(lifecycle) {
			text = lifecycle[n]
		}
		return Hint{Domain: e.Msg.Dom.Name, Text: text}
	case *libvirt.DomainEventCallbackRebootMsg:
		return Hint{Domain: e.Msg.Dom.Name, Text: "rebooted"}
	case *libvirt.DomainEventCallbackDeviceAddedMsg:
		return Hint{Domain: e.Dom.Name, Text: "device added: " + e.DevAlias}
	case *libvirt.DomainEventCallbackDeviceRemovedMsg:
		return Hint{Domain: e.Msg.Dom.Name, Text: "device removed: " + e.Msg.DevAlias}
	case *libvirt.DomainEventCallbackMetadataChangeMsg:
		return Hint{Domain: e.Dom.Name, Text: "metadata changed"}
	}
	return Hint{Text: "changed"}
}
