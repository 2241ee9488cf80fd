// Command release builds what a release consists of: static binaries, .deb and .rpm with manual, completions, units and
// default configuration, a bill of materials for each binary, and checksums. The same commit gives the same bytes. It is
// run by `make release`, from the root of the repository, and is no part of the product.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// release is one release under way.
type release struct {
	version string
	arches  []string
	out     string    // where the files go
	stage   string    // where what goes into packages is prepared
	time    time.Time // of all that is made: the commit's
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	version := flag.String("version", "", "version, such as 0.4.0 or 0.4.0-dev")
	arches := flag.String("arch", "amd64,arm64", "architectures")
	out := flag.String("out", "dist", "directory for the files; it is made anew")
	flag.Parse()
	if err := run(ctx, *version, strings.Split(*arches, ","), *out); err != nil {
		fmt.Fprintln(os.Stderr, "release: "+err.Error())
		os.Exit(1)
	}
}

// run makes a release of the tree in the working directory.
func run(ctx context.Context, version string, arches []string, out string) error {
	if version == "" {
		return fmt.Errorf("cannot release without -version")
	}
	epoch, err := sourceDate(ctx)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	stage, err := os.MkdirTemp("", "plumb-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	r := &release{version: version, arches: arches, out: out, stage: stage, time: epoch}
	for _, step := range []struct {
		say string
		do  func(context.Context) error
	}{{"the binaries", r.build}, {"manual and completions", r.document}, {"the packages", r.pack}, {"checksums", r.sum}} {
		fmt.Fprintf(os.Stderr, "… %s\n", step.say)
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	made, err := filepath.Glob(filepath.Join(out, "*"))
	fmt.Println(strings.Join(made, "\n"))
	return err
}

// sourceDate is the time that all files carry, https://reproducible-builds.org/specs/source-date-epoch/: the commit's
// unless the environment names another.
func sourceDate(ctx context.Context) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("cannot tell the commit's time; set SOURCE_DATE_EPOCH outside a repository: %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// binary is the file of one architecture.
func (r *release) binary(arch string) string {
	return filepath.Join(r.out, fmt.Sprintf("plumb_%s_linux_%s", r.version, arch))
}

// do runs a program; its words are told only when it fails.
func do(ctx context.Context, env []string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
