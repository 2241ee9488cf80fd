// Package crash ends processes at every instant at which something could be half, and judges what remains by the live state:
// each lane equals before or after, the inventory agrees with the world, nothing waits for a confirmation, no object is
// left that nobody knows, and the next plan brings everything to the wanted state.
//
//	scenario_test.go   topologies with real kinds: what is there, and what is to be there
//	life_test.go       a controller that dies at its n-th boundary, and executors that do
//	judge_test.go      what must be true afterwards
//	campaign_test.go   every boundary of every scenario, nested; CRASH_SEED= plays one again
//	mutation_test.go   engines that break a rule, which the campaign must catch
//	eval_test.go       workers that die at every boundary of their talk
//	full_test.go       a disk that is full at every write
//	release_test.go    states that earlier releases left, whole and killed, under today's code
//
// The same on real daemons, with kill -9 of the real program and of its executors, is in testenv/hold; with kill -9 of the
// whole machine in testenv/power.
package crash
