// Package docs holds what people read, the generator of its reference pages, and the tests that keep all of it true: each
// command and each piece of CUE in README.md and in these pages is run, and what is shown as output is what came out.
//
// How a code block is treated follows from the words behind its three backquotes; see block.
package docs

//go:generate go run ./gen
