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
	conn   *nftables.Conn
	queued bool
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
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return true, fmt.Errorf("cannot open nftables: %w", err)
	}
	defer conn.CloseLasting()
	begin, err := generation(conn)
	if err != nil {
		return true, err
	}
	tx := &Tx{conn: conn}
	if err := look(tx); err != nil || !tx.queued {
		now, lost := generation(conn)
		if lost == nil && now != begin {
			return false, refused
		}
		return true, err
	}
	if refused != nil {
		return true, refused
	}
	switch err := conn.FlushWithGenID(begin); {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.ERESTART):
		return false, nil
	default:
		return false, fmt.Errorf("cannot commit the nftables batch: %w", err)
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

// table tells whether a table is there.
func (tx *Tx) table(t *nftables.Table) (bool, error) {
	_, err := tx.conn.ListTableOfFamily(t.Name, t.Family)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot read nft table %s: %w", t.Name, err)
	}
	return true, nil
}

// chains are the chains of a table by name.
func (tx *Tx) chains(t *nftables.Table) (map[string]*nftables.Chain, error) {
	all, err := tx.conn.ListChainsOfTableFamily(t.Family)
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
	all, err := tx.conn.GetSets(t)
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
	rules, err = tx.conn.GetRules(c.Table, c)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules of nft chain %s %s: %w", c.Table.Name, c.Name, err)
	}
	return rules, nil
}
