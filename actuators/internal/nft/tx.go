package nft

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Tx is one look at nftables and the one batch that follows from it.
type Tx struct {
	conn      *nftables.Conn
	begin     uint32 // generation
	namespace namespace
	asked     bool // the kernel was asked for more than its generation
	queued    bool
	shaped    bool    // the batch changes more than elements of the table of services
	many      bool    // it changes so many elements of services that all are to be read again
	touched   []place // the elements of services that the batch changes, unless they are many

	proved func(committed bool) // called once what was read is known to be of one generation; may be nil
}

// ask is the connection, for a question.
func (tx *Tx) ask() *nftables.Conn {
	tx.asked = true
	return tx.conn
}

// Change runs look, which reads through the Tx and queues what is still to do, and commits that as one batch, which the
// kernel takes whole or not at all. The batch carries the generation that look began with: when anybody committed since,
// the kernel refuses it and look runs again. An error of the commit proves nothing (a lost answer looks the same), so one
// more look decides: nothing left to do means done.
func Change(ctx context.Context, look func(*Tx) error) error {
	var refused error
	for {
		done, err := attempt(ctx, look, refused)
		if done {
			return err
		}
		refused = err
	}
}

// View runs look, which only reads, until nobody changed anything while it ran.
func View(ctx context.Context, look func(*Tx) error) error {
	return Change(ctx, func(tx *Tx) error {
		err := look(tx)
		if err == nil && tx.queued {
			return errors.New("internal error: a look at nftables queued a change")
		}
		return err
	})
}

// attempt is done with its error, or wants another turn: after a lost race with nil, after a failed commit with its error.
func attempt(ctx context.Context, look func(*Tx) error, refused error) (done bool, err error) {
	if err := ctx.Err(); err != nil {
		return true, fmt.Errorf("cannot change nftables: %w", errors.Join(err, refused))
	}
	c, err := open()
	if err != nil {
		return true, err
	}
	failed := true
	defer func() { c.leave(failed) }()
	begin, err := generation(c.Conn)
	if err != nil {
		return true, err
	}
	tx := &Tx{conn: c.Conn, namespace: c.namespace, begin: begin}
	if err := look(tx); err != nil || !tx.queued {
		failed = err != nil
		return tx.looked(err, refused)
	}
	if refused != nil {
		return true, refused
	}
	switch err := c.FlushWithGenID(begin); {
	case err == nil:
		failed = false
		tx.prove(true)
		return true, nil
	case errors.Is(err, unix.ERESTART):
		return false, nil
	default:
		return false, fmt.Errorf("cannot commit the nftables batch: %w", err)
	}
}

// looked ends a look that left nothing to do: if anybody committed while it read, it is to run again.
func (tx *Tx) looked(err, refused error) (done bool, _ error) {
	if tx.asked {
		if now, lost := generation(tx.conn); lost == nil && now != tx.begin {
			return false, refused
		}
	}
	if err == nil {
		tx.prove(false)
	}
	return true, err
}

func (tx *Tx) prove(committed bool) {
	if tx.proved != nil {
		tx.proved(committed)
	}
}

// generation is the number that every commit to the ruleset of this namespace increases.
func generation(conn *nftables.Conn) (uint32, error) {
	gen, err := conn.GetGen()
	if err != nil {
		return 0, fmt.Errorf("cannot read the nftables generation: %w", err)
	}
	return gen.ID, nil
}

// table tells whether a table is there, and whether its flag "dormant" takes all its chains off their hooks.
func (tx *Tx) table(t *nftables.Table) (present, dormant bool, _ error) {
	live, err := tx.ask().ListTableOfFamily(t.Name, t.Family)
	if errors.Is(err, unix.ENOENT) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("cannot read nft table %s: %w", t.Name, err)
	}
	return true, live.Flags&nftables.TableFlagDormant != 0, nil
}

// chains are the chains of a table by name.
func (tx *Tx) chains(t *nftables.Table) (map[string]*nftables.Chain, error) {
	all, err := tx.ask().ListChainsOfTableFamily(t.Family)
	if err != nil {
		return nil, fmt.Errorf("cannot list the chains of nft table %s: %w", t.Name, err)
	}
	chains := map[string]*nftables.Chain{}
	for _, c := range all {
		if c.Table.Name == t.Name {
			chains[c.Name] = c
		}
	}
	return chains, nil
}

// sets are the named sets and maps of a table by name.
func (tx *Tx) sets(t *nftables.Table) (map[string]*nftables.Set, error) {
	all, err := tx.ask().GetSets(t)
	if err != nil {
		return nil, fmt.Errorf("cannot list the sets of nft table %s: %w", t.Name, err)
	}
	sets := map[string]*nftables.Set{}
	for _, s := range all {
		if !s.Anonymous {
			sets[s.Name] = s
		}
	}
	return sets, nil
}

// rules are the rules of a chain. The library panics on an expression that it does not know.
func (tx *Tx) rules(c *nftables.Chain) (rules []*nftables.Rule, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot read the rules of nft chain %s %s: an expression is not known here", c.Table.Name, c.Name)
		}
	}()
	rules, err = tx.ask().GetRules(c.Table, c)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules of nft chain %s %s: %w", c.Table.Name, c.Name, err)
	}
	return rules, nil
}
