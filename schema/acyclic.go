package schema

// acyclic tells whether nothing waits for itself, over dense integers: next calls back with what a node waits for. It is
// what nearly every graph is; who has to name a circle searches for it.
func acyclic(n int, next func(i int, waits func(on int))) bool {
	waiting, users := make([]int32, n), make([]int32, n+1) // how many each waits for; where its users begin
	from := 0
	count := func(on int) { waiting[from]++; users[on+1]++ }
	for ; from < n; from++ {
		next(from, count)
	}
	for i := range n {
		users[i+1] += users[i]
	}
	user, at := make([]int32, users[n]), append([]int32(nil), users[:n]...)
	enter := func(on int) { user[at[on]] = int32(from); at[on]++ }
	for from = 0; from < n; from++ {
		next(from, enter)
	}
	var ready []int32
	for i := range n {
		if waiting[i] == 0 {
			ready = append(ready, int32(i))
		}
	}
	for done := 0; done < len(ready); done++ {
		i := ready[done]
		for _, u := range user[users[i]:users[i+1]] {
			if waiting[u]--; waiting[u] == 0 {
				ready = append(ready, u)
			}
		}
	}
	return len(ready) == n
}
