package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"plumbline/actuators/all"
	"plumbline/schema"
	"plumbline/testenv/bench/meter"
	"plumbline/testenv/sim"
)

// What happens during a soak, and how often it is looked at.
const (
	soakObjects = 10_000
	pushEvery   = 5 * time.Second
	driftEvery  = 2 * time.Second
	sampleEvery = 2 * time.Second
	soakSetting = "listen: %q\ndrift: heal: vm: \"heal\"\n"
)

// sample is what the controller holds at one moment.
type sample struct {
	at         time.Duration // since the end of the first apply
	usage      meter.Usage
	goroutines float64
}

// soak is `plumb run` over a model in files, with pushes and sabotage from outside.
type soak struct {
	place   *place
	world   *sim.World // the same model, as another process sees it
	run     *exec.Cmd
	metrics string
	pushes  int
	drifts  int
	samples []sample
}

// soakFor runs for some time, writes the picture and the verdict, and fails on growth.
func soakFor(ctx context.Context, long time.Duration, objects int, write bool) error {
	b, err := openBench(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	s, err := beginSoak(ctx, b, objects)
	if err != nil {
		return err
	}
	err = s.live(ctx, long)
	if stopped := s.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	text, fine := s.verdict()
	fmt.Println(text)
	if write {
		err = errors.Join(os.WriteFile(soakFile, s.picture(), 0o644), rewrite(map[string]string{"soak": text}))
	}
	if !fine {
		err = errors.Join(err, errors.New("something grows beyond its bound"))
	}
	return err
}

// beginSoak starts the controller and waits until everything is applied.
func beginSoak(ctx context.Context, b *bench, objects int) (*soak, error) {
	p, err := makePlace(filepath.Join(b.dir, "soak"), objects)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := p.writeController("30s", fmt.Sprintf(soakSetting, address)); err != nil {
		return nil, err
	}
	s := &soak{place: p, world: sim.New(all.Registry(), sim.Options{Dir: p.path("model")}), metrics: "http://" + address + "/metrics"}
	s.run = exec.Command(b.plumb, "run", "--config", p.path("plumb.cue"), "--log-level", "warn")
	s.run.Stderr = os.Stderr
	if err := s.run.Start(); err != nil {
		return nil, err
	}
	b.say("plumb run applies %s objects", thousands(objects))
	if err := until(ctx, "everything is applied", s.settled); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// freeAddress is one of loopback that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// live pushes and sabotages, and samples.
func (s *soak) live(ctx context.Context, long time.Duration) error {
	push, disturb, look, begun := time.NewTicker(pushEvery), time.NewTicker(driftEvery), time.NewTicker(sampleEvery), time.Now()
	end := time.After(long)
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return until(ctx, "the last push is applied and nothing drifts", s.settled)
		case <-push.C:
			err = s.push()
		case <-disturb.C:
			err = s.disturb()
		case <-look.C:
			err = s.sample(time.Since(begun))
		}
		if err != nil {
			return err
		}
	}
}

func (s *soak) push() error {
	commit, err := s.place.prepare()
	if err != nil {
		return err
	}
	s.pushes++
	return s.place.land(commit)
}

// disturb changes one VM behind everybody's back; it is healed.
func (s *soak) disturb() error {
	name, host := s.place.fleet.VM(s.drifts % s.place.fleet.Apps)
	s.drifts++
	return s.world.Sabotage(schema.MakeID("vm", name).On(host), "memory.now", 64<<20)
}

func (s *soak) sample(at time.Duration) error {
	values, err := s.scrape()
	if err != nil {
		return err
	}
	s.samples = append(s.samples, sample{at, meter.Tree(s.run.Process.Pid), values["go_goroutines"]})
	return nil
}

// settled tells whether the head is applied and nothing drifts.
func (s *soak) settled() bool {
	values, err := s.scrape()
	return err == nil && values["plumb_objects"] > 0 && values["plumb_commits_behind"] == 0 && values["plumb_drift_oldest_seconds"] == 0
}

// scrape reads the controller's gauges; of each name the first.
func (s *soak) scrape() (map[string]float64, error) {
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Get(s.metrics)
	if err != nil {
		return nil, fmt.Errorf("cannot read the metrics: %w", err)
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the metrics: %w", err)
	}
	values := map[string]float64{}
	for name, family := range families {
		if first := family.GetMetric(); len(first) > 0 && first[0].GetGauge() != nil {
			values[name] = first[0].GetGauge().GetValue()
		}
	}
	return values, nil
}

// stop ends the controller as a person would.
func (s *soak) stop() error {
	return errors.Join(s.run.Process.Signal(syscall.SIGTERM), s.run.Wait())
}
