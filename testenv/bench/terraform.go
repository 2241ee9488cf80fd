package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"plumbline/testenv/bench/fleet"
	"plumbline/testenv/bench/meter"
)

// What Terraform is measured at: its apply of ten thousand takes most of an hour, a plan of a hundred thousand many minutes.
const (
	mostTerraform      = 10_000
	mostTerraformApply = 1000
)

// block is one terraform_data resource: it has no provider process and no API behind it, so only the engine is measured.
type block struct {
	name  string
	input map[string]string // literal values
	refs  map[string]string // to the id of another block
}

// blocks are the fleet as Terraform sees it: a block for every object, the same chains, the same shared ground.
func blocks(f *fleet.Fleet) []block {
	var out []block
	for _, o := range f.Outline() {
		b := block{name: label(o.ID), input: map[string]string{"name": o.ID, "a": "10.0.0.1", "b": "203.0.113.3", "size": "64Mi", "ttl": "60"}, refs: map[string]string{}}
		for i, need := range o.After {
			b.refs[fmt.Sprintf("after%d", i)] = label(need)
		}
		out = append(out, b)
	}
	return out
}

// label turns an ID into a name of Terraform.
func label(id string) string {
	return strings.NewReplacer("/", "-", ".", "-").Replace(id)
}

// configuration is the blocks as HCL. A turn other than 0 changes one value of the last.
func configuration(all []block, turn int) []byte {
	var b strings.Builder
	for i, one := range all {
		fmt.Fprintf(&b, "resource \"terraform_data\" %q {\n  input = {\n", one.name)
		for _, key := range slices.Sorted(mapKeys(one.input)) {
			value := one.input[key]
			if key == "ttl" && turn > 0 && i == len(all)-1 {
				value = fmt.Sprint(60 + turn)
			}
			fmt.Fprintf(&b, "    %s = %q\n", key, value)
		}
		for _, key := range slices.Sorted(mapKeys(one.refs)) {
			fmt.Fprintf(&b, "    %s = terraform_data.%s.id\n", key, one.refs[key])
		}
		b.WriteString("  }\n}\n")
	}
	return []byte(b.String())
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// state is what an apply of the blocks leaves: state format 4, the inputs repeated as outputs.
func state(all []block) ([]byte, error) {
	type instance struct {
		SchemaVersion int            `json:"schema_version"`
		Attributes    map[string]any `json:"attributes"`
		Sensitive     []any          `json:"sensitive_attributes"`
		Dependencies  []string       `json:"dependencies,omitempty"`
	}
	type resource struct {
		Mode      string     `json:"mode"`
		Type      string     `json:"type"`
		Name      string     `json:"name"`
		Provider  string     `json:"provider"`
		Instances []instance `json:"instances"`
	}
	var resources []resource
	for _, b := range all {
		value, kinds := map[string]string{}, map[string]string{}
		var depends []string
		for key, text := range b.input {
			value[key], kinds[key] = text, "string"
		}
		for key, to := range b.refs {
			value[key], kinds[key] = "id-"+to, "string"
			depends = append(depends, "terraform_data."+to)
		}
		slices.Sort(depends)
		typed := map[string]any{"type": []any{"object", kinds}, "value": value}
		resources = append(resources, resource{"managed", "terraform_data", b.name, `provider["terraform.io/builtin/terraform"]`, []instance{{
			Attributes: map[string]any{"id": "id-" + b.name, "input": typed, "output": typed, "triggers_replace": nil}, Sensitive: []any{}, Dependencies: depends,
		}}})
	}
	return json.Marshal(map[string]any{
		"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "00000000-0000-4000-8000-000000000000", "outputs": map[string]any{},
		"resources": resources, "check_results": nil,
	})
}

// terraform measures one program (terraform, tofu) on blocks of the shape of a fleet.
func (b *bench) terraform(ctx context.Context, program string, p *place, report func(measure)) error {
	dir := p.path(filepath.Base(program))
	all := blocks(p.fleet)
	left, err := state(all)
	if err != nil {
		return err
	}
	write := func(name string, data []byte) error { return writeFile(filepath.Join(dir, name), data) }
	run := func(args ...string) (meter.Cost, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		return meter.Run(cmd)
	}
	measured := func(row string, turn int, args ...string) error {
		if err := write("main.tf", configuration(all, turn)); err != nil {
			return err
		}
		cost, err := run(args...)
		if err == nil {
			report(measure{Row: row, Cost: cost, Times: 1})
		}
		return err
	}
	if err := write("main.tf", configuration(all, 0)); err != nil {
		return err
	}
	if _, err := run("init", "-input=false"); err != nil {
		return err
	}
	if p.fleet.Objects <= mostTerraformApply {
		if err := measured(rowTFApply, 0, "apply", "-auto-approve", "-input=false"); err != nil {
			return err
		}
	}
	if err := write("terraform.tfstate", left); err != nil {
		return err
	}
	if err := measured(rowTFPlan, 0, "plan", "-input=false", "-detailed-exitcode"); err != nil {
		return fmt.Errorf("the plan should be empty: %w", err)
	}
	return measured(rowTFChange, 1, "plan", "-input=false")
}
