package lab

import (
	"context"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Bench is Within for a benchmark: what the body measures on the host, where the test binary runs it again, is reported as the
// benchmark's own. The body is a whole benchmark without parts.
func Bench(b *testing.B, body func(), options ...Option) {
	b.Helper()
	if os.Getenv(inside) == b.Name() {
		body()
		return
	}
	h := Host(b, options...)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	exe := WithinArgv(b.Name())[0]
	turns := flag.Lookup("test.benchtime").Value.String()
	cmd := h.Lab.Command(ctx, h.Name, exe, "-test.run", "^$", "-test.bench", "^"+b.Name()+"$", "-test.benchtime", turns, "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inside+"="+b.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("on %s: %v\n%s", h.Name, err, out)
	}
	if !report(b, string(out)) {
		b.Fatalf("%s measured nothing on %s:\n%s", b.Name(), h.Name, out)
	}
}

// report takes over the line of a benchmark: its name, how many turns, then pairs of a number and what it counts.
func report(b *testing.B, output string) (found bool) {
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], b.Name()) {
			continue
		}
		for i := 2; i+1 < len(words); i += 2 {
			if value, err := strconv.ParseFloat(words[i], 64); err == nil {
				b.ReportMetric(value, words[i+1])
				found = true
			}
		}
	}
	return found
}
