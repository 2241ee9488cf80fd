package nft

import (
	"context"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/userdata"

	"plumbline/actuators"
)

// Capture reads what the firewall of that name has, and refuses what is not the mark's own unless it is being adopted.
func Capture(ctx context.Context, name string, mark actuators.Mark, adopt bool) (*Filter, error) {
	var live *Filter
	err := View(ctx, func(tx *Tx) (err error) {
		live, err = tx.oneFilter(name)
		return err
	})
	if err != nil || live == nil {
		return nil, err
	}
	if err := may(live, name, mark, adopt); err != nil {
		return nil, err
	}
	return live, live.restorable()
}

func may(live *Filter, name string, mark actuators.Mark, adopt bool) error {
	have := live.Mark()
	if have == nil && adopt || have != nil && have.Installation == mark.Installation && have.ID == mark.ID {
		return nil
	}
	return actuators.Foreign("the nft chain inet " + filters.Name + " " + ChainPrefix + name)
}

// Put makes the firewall what it shall be (nil: absent) in one batch, if what is there is the mark's own.
func Put(ctx context.Context, name string, mark actuators.Mark, adopt bool, want *Filter) error {
	return Change(ctx, func(tx *Tx) error {
		live, err := tx.oneFilter(name)
		if err != nil {
			return err
		}
		if live != nil && !live.Same(want) {
			if err := may(live, name, mark, adopt); err != nil {
				return err
			}
		}
		return tx.put(name, live, want)
	})
}

// Back puts back in one batch what was there before, if what is there is that already or what the step wrote.
func Back(ctx context.Context, name string, before, wrote *Filter) error {
	return Change(ctx, func(tx *Tx) error {
		live, err := tx.oneFilter(name)
		if err != nil {
			return err
		}
		if !live.Same(before) && !live.Same(wrote) {
			return actuators.Stuck("nft chain inet "+filters.Name+" "+ChainPrefix+name, live.describe(), before.describe())
		}
		if before != nil && before.Dormant && live != nil && !live.Dormant {
			if err := tx.alone(name); err != nil {
				return err
			}
		}
		return tx.put(name, live, before)
	})
}

// alone refuses to put a table back to sleep in which other firewalls stand by now.
func (tx *Tx) alone(name string) error {
	all, err := tx.filters(func(string) bool { return true })
	if err == nil && len(all) > 1 {
		err = actuators.Stuck("nft table inet "+filters.Name, "awake, which other firewalls than "+name+" live from", "dormant")
	}
	return err
}

// Succeed makes the firewall of one name what it shall be, and then takes away the one that it comes after. No instant is without
// a filter, and at none a chain drops that cannot see its sets yet, which the kernel fills after it has switched to them: the
// new chain stands whole before it drops, and the old one drops no more before it goes. What of that is done already stays.
func Succeed(ctx context.Context, name string, mark actuators.Mark, want *Filter, old string, was actuators.Mark) error {
	now, err := Capture(ctx, name, mark, false)
	if err != nil {
		return err
	}
	if !now.Same(want) {
		if err := Put(ctx, name, mark, false, want.Passing()); err != nil {
			return err
		}
	}
	if err := Put(ctx, name, mark, false, want); err != nil {
		return err
	}
	live, err := Capture(ctx, old, was, false)
	if err != nil || live == nil {
		return err
	}
	if err := Put(ctx, old, was, false, live.Passing()); err != nil {
		return err
	}
	return Put(ctx, old, was, false, nil)
}

// Passing is the filter with a policy that lets through what no rule says anything of.
func (f *Filter) Passing() *Filter {
	if f == nil {
		return nil
	}
	passing := *f
	passing.Policy = "accept"
	return &passing
}

func (f *Filter) describe() string {
	if f == nil {
		return "absent"
	}
	return fmt.Sprintf("%s %s with %d rules and %d sets", f.Hook, f.Policy, len(f.Rules), len(f.Sets))
}

// put queues the batch from live to want. A chain whose hook stays is kept, so that no packet meets a chain without rules.
func (tx *Tx) put(name string, live, want *Filter) error {
	if live.Same(want) {
		return nil
	}
	tx.queued = true
	c := &nftables.Chain{Table: filters, Name: ChainPrefix + name}
	if live != nil && live.Passing().Same(want.Passing()) {
		c.Policy = policyOf(want) // rules and sets stay as they are
		tx.conn.AddChain(c)
		return nil
	}
	if live != nil {
		tx.conn.FlushChain(c)
		if want == nil || want.Hook != live.Hook {
			tx.conn.DelChain(c)
		}
		for _, s := range live.Sets {
			tx.conn.DelSet(&nftables.Set{Table: filters, Name: s.Name})
		}
	}
	if want == nil {
		return tx.dropEmpty(c.Name, len(live.Sets))
	}
	return tx.write(c, want)
}

// dropEmpty takes the table away when the chain and its sets are all that it holds.
func (tx *Tx) dropEmpty(name string, ownSets int) error {
	chains, err := tx.chains(filters)
	if err != nil {
		return err
	}
	sets, err := tx.ask().GetSets(filters)
	if err != nil {
		return fmt.Errorf("cannot list the sets of nft table %s: %w", filters.Name, err)
	}
	if len(chains) == 1 && chains[name] != nil && len(sets) == ownSets {
		tx.conn.DelTable(filters)
	}
	return nil
}

func (tx *Tx) write(c *nftables.Chain, want *Filter) error {
	c.Policy = policyOf(want)
	c.Type, c.Hooknum, c.Priority = nftables.ChainTypeFilter, hooks[want.Hook], nftables.ChainPriorityFilter
	if c.Hooknum == nil {
		return fmt.Errorf("%w: nft chain %s has a hook that this version does not write", actuators.ErrRefused, c.Name)
	}
	t := *filters
	if want.Dormant {
		t.Flags = nftables.TableFlagDormant
	}
	tx.conn.AddTable(&t)
	tx.conn.AddChain(c)
	for _, s := range want.Sets {
		if err := tx.writeSet(s); err != nil {
			return err
		}
	}
	for _, r := range want.Rules {
		rule := &nftables.Rule{Table: filters, Chain: c, UserData: comment(r.Comment)}
		for _, e := range r.Exprs {
			rule.Exprs = append(rule.Exprs, e.Any)
		}
		tx.conn.AddRule(rule)
	}
	return nil
}

func policyOf(f *Filter) *nftables.ChainPolicy {
	policy := nftables.ChainPolicyAccept
	if f.Policy == "drop" {
		policy = nftables.ChainPolicyDrop
	}
	return &policy
}

func comment(text string) []byte {
	if text == "" {
		return nil
	}
	return userdata.AppendString(nil, userdata.TypeComment, text)
}

var setTypes = map[string]nftables.SetDatatype{
	nftables.TypeIFName.Name: nftables.TypeIFName, nftables.TypeInetService.Name: nftables.TypeInetService,
	nftables.TypeIPAddr.Name: nftables.TypeIPAddr, nftables.TypeIP6Addr.Name: nftables.TypeIP6Addr,
}

func (tx *Tx) writeSet(s FilterSet) error {
	t, ok := setTypes[s.Type]
	if !ok {
		return fmt.Errorf("%w: nft set %s has the type %s, which this version does not write", actuators.ErrRefused, s.Name, s.Type)
	}
	set := &nftables.Set{Table: filters, Name: s.Name, KeyType: t, Interval: s.Interval, Comment: s.Comment}
	if t.Name == nftables.TypeIFName.Name {
		set.KeyByteOrder = binaryutil.NativeEndian // or nft prints every name as "", and who restores what it printed breaks the filter
	}
	var raw []nftables.SetElement
	if set.Interval {
		spans, err := parseSpans(t, s.Elements)
		if err != nil {
			return err
		}
		raw = rawSpans(spans)
	} else {
		for _, text := range s.Elements {
			raw = append(raw, nftables.SetElement{Key: value(t, text)})
		}
	}
	if err := tx.conn.AddSet(set, raw); err != nil {
		return fmt.Errorf("cannot add nft set %s: %w", s.Name, err)
	}
	return nil
}

// value is the inverse of valueText.
func value(t nftables.SetDatatype, text string) []byte {
	if t.Name != nftables.TypeIFName.Name {
		return parseValue(t, text)
	}
	key := make([]byte, t.Bytes)
	copy(key, text)
	return key
}
