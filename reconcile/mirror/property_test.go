package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/mirror"
	"plumbline/schema"
)

// TestTheMirrorNeverLies: after any changes, hints, gaps of watches, hints that were lost where there is a stamp, deaths of
// hosts, changes of our own and other questions, the mirror shows what looks would show.
func TestTheMirrorNeverLies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCenter()
		hosts := []string{"h1", "h2"}
		place := func() (host, kind string) {
			return rapid.SampledFrom(hosts).Draw(t, "host"), rapid.SampledFrom(kindNames).Draw(t, "kind")
		}
		change := func(t *rapid.T) {
			host, kind := place()
			how := rapid.SampledFrom([]string{"this", "anything", "lost"}).Draw(t, "heard")
			i := schema.MakeID(kind, rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")).On(host)
			if how == "lost" && kind == "watched" {
				c.listen(host, kind, false) // only what has a stamp may lose a hint without knowing
			}
			c.set(i, rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "value"), how)
		}
		t.Repeat(map[string]func(*rapid.T){
			"change": change, "change more": change, "and more": change,
			"watch": func(t *rapid.T) {
				host, kind := place()
				c.listen(host, kind, (kind == "both" || kind == "watched") && !c.dead[host] && rapid.IntRange(0, 3).Draw(t, "breaks") > 0)
			},
			"die or live": func(t *rapid.T) {
				host := rapid.SampledFrom(hosts).Draw(t, "host")
				c.mu.Lock()
				c.dead[host] = rapid.IntRange(0, 3).Draw(t, "lives") == 0
				c.mu.Unlock()
				for _, kind := range kindNames {
					c.listen(host, kind, false)
				}
			},
			"ours": func(*rapid.T) {
				host, kind := place()
				i := schema.MakeID(kind, "a").On(host)
				c.set(i, "ours", "lost")
				c.mirror.Touch(i)
			},
			"wait": func(t *rapid.T) {
				c.clock = c.clock.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "seconds")) * time.Second)
			},
			"event": func(t *rapid.T) {
				host, kind := place()
				c.mirror.Look(context.Background(), host, kind, actuators.Scope{Targets: scope(kind, "b=1").Targets})
			},
			"sweep": func(t *rapid.T) {
				host, kind := place()
				c.mirror.Sweep(context.Background(), host, map[string]actuators.Scope{kind: draw(t, kind)})
			},
			"": func(t *rapid.T) {
				if rapid.IntRange(0, 2).Draw(t, "nobody asks") > 0 {
					return
				}
				ask := mirror.Hosts{}
				for _, host := range hosts {
					ask[host] = map[string]actuators.Scope{}
					for _, kind := range kindNames {
						ask[host][kind] = draw(t, kind)
					}
				}
				got, want := picture(c.mirror.World(context.Background(), ask), ask), picture(c.fresh(ask), ask)
				if got != want {
					t.Fatalf("the mirror shows\n%s\nand looks show\n%s", got, want)
				}
			},
		})
	})
}

// draw is a question: most often the usual one, or some of the names, each with one of two specs.
func draw(t *rapid.T, kind string) actuators.Scope {
	if rapid.IntRange(0, 9).Draw(t, "as always") > 0 {
		return scope(kind, "a=1 b=1 c=1 d=1 e=1")
	}
	names := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), rapid.ID).Draw(t, "targets")
	slices.Sort(names)
	var words []string
	for _, name := range names {
		words = append(words, fmt.Sprintf("%s=%d", name, rapid.IntRange(1, 2).Draw(t, "spec")))
	}
	return scope(kind, strings.Join(words, " "))
}
