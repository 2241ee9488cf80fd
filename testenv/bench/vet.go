package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"plumbline/testenv/bench/meter"
)

// cueCommand is the peer of loading.
const cueCommand = "cuelang.org/go/cmd/cue"

// buildCUE builds the cue command of the version that the loader uses, which tools.mod pins.
func (b *bench) buildCUE(ctx context.Context) (string, error) {
	binary := filepath.Join(b.dir, "cue")
	if out, err := exec.CommandContext(ctx, "go", "build", "-modfile=tools.mod", "-o", binary, cueCommand).CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build cue: %w\n%s", err, out)
	}
	return binary, nil
}

// vet measures `cue vet` on the files that plumb loads.
func (b *bench) vet(ctx context.Context, cue string, p *place, times int, report func(measure)) error {
	var costs []meter.Cost
	for range times {
		cmd := exec.CommandContext(ctx, cue, "vet", "./...")
		cmd.Dir = p.path("tree")
		cost, err := meter.Run(cmd)
		if err != nil {
			return err
		}
		costs = append(costs, cost)
	}
	report(measure{Row: rowVet, Cost: median(costs), Times: times})
	return nil
}
