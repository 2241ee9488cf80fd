// Command bench measures what Plumbline costs over the size of a datacenter, beside other tools, and writes docs/performance.md.
// `make bench` and `make soak` run it. It is no test: nothing fails because a machine is slow.
//
//	go run ./testenv/bench all                      measure, print the tables, and write the page; BENCH=quick: small sizes, no page
//	go run ./testenv/bench soak                     ten minutes of `plumb run`, and a verdict; SOAK=1m: shorter, no page
//	go run ./testenv/bench run 100 1000             measure these sizes anew, and write the page with what was measured before
//	go run ./testenv/bench comments 100 1000        measure webhook → comment alone, and write nothing
//	go run ./testenv/bench kinds                    the same for what the kinds do on the kernel and on daemons
//	go run ./testenv/bench gen 10000 DIRECTORY      write a topology of 10,000 objects, as it is measured here
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"time"

	"plumbline/schema"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		log.Fatal("bench: ", err)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want all, run, kinds, gen or soak")
	}
	numbers := make([]int, 0, len(args))
	for _, arg := range args[1:] {
		if n, err := strconv.Atoi(arg); err == nil {
			numbers = append(numbers, n)
		}
	}
	switch {
	case args[0] == "eval": // the child that evaluates CUE
		return schema.ServeEval(os.Stdin, os.Stdout)
	case args[0] == "gen" && len(args) == 3 && len(numbers) > 0:
		return generate(numbers[0], args[2])
	case args[0] == "resident" && len(args) == 4 && len(numbers) == 2:
		return serveResident(args[1], numbers[0], numbers[1])
	case args[0] == "profile" && len(args) == 3:
		return profileFresh(args[1], args[2])
	case args[0] == "run" && len(numbers) == len(args)-1 && len(numbers) > 0:
		return runAndWrite(ctx, numbers, false, true)
	case args[0] == "comments" && len(numbers) == len(args)-1 && len(numbers) > 0:
		return commentsAlone(ctx, numbers)
	case args[0] == "kinds" && len(args) == 1:
		return runAndWrite(ctx, nil, true, true)
	case args[0] == "soak" && len(args) == 1:
		return soakAsTold(ctx, os.Getenv("SOAK"))
	case args[0] == "all" && len(args) == 1:
		quick := os.Getenv("BENCH") == "quick"
		return runAndWrite(ctx, sizesFor(quick), !quick, !quick)
	}
	return fmt.Errorf("cannot do %q", args)
}

// soakAsTold runs for ten minutes and writes the page, or for the time that is given and leaves it.
func soakAsTold(ctx context.Context, text string) error {
	if text == "" {
		return soakFor(ctx, 10*time.Minute, soakObjects, true)
	}
	long, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("cannot read SOAK: %w", err)
	}
	return soakFor(ctx, long, soakObjects, false)
}
