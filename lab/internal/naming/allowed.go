package naming

// Allowed returns the names outside of the vocabulary that libraries give, and why that is right
// or beyond us. A name that is not seen any more has to go from here.
func Allowed() map[string]string {
	return map[string]string{}
}
