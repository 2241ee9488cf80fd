// Command bench measures what Plumbline costs over the size of a datacenter, beside other tools, and writes docs/performance.md.
// `make bench` and `make soak` run it. It is no test: nothing fails because a machine is slow.
//
//	go run ./testenv/bench gen 10000 DIRECTORY      write a topology of 10,000 objects, as it is measured here
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
)

func main() {
	log.SetFlags(0)
	if err := command(os.Args[1:]); err != nil {
		log.Fatal("bench: ", err)
	}
}

func command(args []string) error {
	if len(args) == 3 && args[0] == "gen" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("cannot read the number of objects: %w", err)
		}
		return generate(n, args[2])
	}
	return fmt.Errorf("want gen OBJECTS DIRECTORY")
}
