package nft

import (
	"fmt"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// conn is an open socket to the nftables of one network namespace.
type conn struct {
	*nftables.Conn
	namespace namespace
}

// namespace is a network namespace by its file (namespaces(7)).
type namespace struct{ dev, ino uint64 }

// idle holds sockets for the next Tx. They are not closed after each, because the kernel lets the close of a socket wait until
// everything that batches took away is freed, 5 to 20 ms, with all other batches behind it (nft_rcv_nl_event of
// net/netfilter/nf_tables_api.c).
var idle = make(chan conn, 2)

// open gives a socket in this process's network namespace.
func open() (conn, error) {
	at, err := here()
	if err != nil {
		return conn{}, err
	}
	for {
		select {
		case c := <-idle:
			if c.namespace == at {
				return c, nil
			}
			c.CloseLasting()
			continue
		default:
		}
		c, err := nftables.New(nftables.AsLasting())
		if err != nil {
			return conn{}, fmt.Errorf("cannot open nftables: %w", err)
		}
		return conn{c, at}, nil
	}
}

func here() (namespace, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return namespace{}, fmt.Errorf("cannot tell the network namespace: %w", err)
	}
	return namespace{st.Dev, st.Ino}, nil
}

// leave gives a socket back. One that a Tx failed on is closed: part of a batch or of an answer may be left in it.
func (c conn) leave(failed bool) {
	if !failed {
		select {
		case idle <- c:
			return
		default:
		}
	}
	c.CloseLasting()
}
