(* What Checker.check accepts is a derivation by the rules of Certificate.v, hence true. In words: certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions Rationals Checker Certificate Estimators Terms.
From Lipverify Require Import NormChecks DomainChecks SlopeChecks GridChecks.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Main.
Variables (R : rcfType) (n : nat) (N : network) (X : domain) (p q : norm).
Notation val := (@value R).
Notation m := (outputs N).
Notation net := (sem R m n N).
Notation pq := (pair_of m n p q).

Section Trees.
Variable e u : num.
Hypotheses (u0 : 0 <= val u) (e0 : 0 <= val e) (reach : reaches N pq e u).
Notation derives := (@derivation R m n net (@in_domain R n X) (facet_rows R n X) (@pn R p n) (@pn R q m) (val u)).

(* What the tree knows of a pattern at a node. *)
Definition at_node (v : node) (s : pattern net) : Prop :=
  [/\ agrees s v.1.1, knows s v.1.2 & forall J, v.2 = Some J -> jacobian s = mat R m n J].

Lemma opened_node nd (s : pattern net) : agrees s nd -> canonical s 1%:M 0 -> at_node (opened n N nd) s.
Proof.
move=> fit canon; have := @openP R n m n N s nd (identity n); rewrite size_map size_iota rmat_identity rcol_identity.
by move=> /(_ erefl fit canon)[fit' known jac]; split=> // J /jac; rewrite mulmx1.
Qed.

Lemma bounded (s : pattern net) : tested pq (jacobian s) (val e) -> norm_at_most (@pn R p n) (@pn R q m) (jacobian s) (val u).
Proof. by move=> /(reachesP u0 e0 reach)/(tested_norm u0)/pair_of_norm. Qed.

Lemma contradictedP nd known M : contradicted n N nd known M -> exists i, wrong n N nd known i.
Proof. by elim: M => // -[[i|i] m] M IH /= => [/orP[w|/IH//]|/IH//]; exists i. Qed.

(* The steps that are read are a derivation for the canonical patterns of the node. *)
Lemma tree_derives fuel v steps rest (S : pattern net -> Prop) : tree n N X pq e fuel v steps = Some rest ->
  (forall s, S s -> canonical s 1%:M 0 /\ at_node v s) -> derives S.
Proof.
elim: fuel v steps rest S => // fuel IH [[nd known] J] [|step steps] rest S //= + at_S.
have node_of s : S s -> [/\ canonical s 1%:M 0, agrees s nd, knows s known & forall j, J = Some j -> jacobian s = mat R m n j].
  by move=> /at_S[canon [/= fit kn jac]].
case: step => [i|M|].
- case: ifP => // _; case left: (tree n N X pq e fuel (opened n N (decide nd i true)) steps) => [more|] //= right.
  apply: (Split (T := fun s => nth false (sides s) i)).
    apply: IH left _ => s [/node_of[canon fit _ _] side_i]; split=> //; apply: opened_node => //.
    by rewrite -side_i; exact: agrees_decide.
  apply: IH right _ => s [/node_of[canon fit _ _] /negbTE side_i]; split=> //; apply: opened_node => //.
  by rewrite -side_i; exact: agrees_decide.
- case: ifP => // /orP[/contradictedP[i]|ref]; last by move=> _; apply: Empty => s /node_of[canon fit kn _]; exact: refuteP ref.
  rewrite /wrong => /andP[/andP[/andP[lt_i lin] /(@flatP R) flat_i] /eqP given] _; apply: Constant => s /node_of[canon fit kn _].
  exists (Row (rv R n (nth row0 known i).1) (val (nth row0 known i).2) (nth false (sides s) i)); split=> //.
    exact: kn.
  have lt_l : (i < size (linears N))%N by rewrite ltnNge; apply: contra lin => /(nth_default true)->.
  have := proj1 (agrees_flat s nd) fit i lt_l; rewrite given (negbTE lin) => /eqP side_i; rewrite /side side_i /constant.
  by rewrite -(value_gt0 R); case: gt0.
case: ifP => // le_u _; case: J at_S node_of le_u => [j|] at_S node_of le_u; apply: Bounded => s /node_of[_ fit _ jac]; apply: bounded.
  by rewrite (jac j erefl); have [] := norm_leP R le_u.
have [_ test] := norm_leP R le_u; apply: norm_tested => //; apply: dominated (tested_norm e0 test) => i j.
exact: slope_sizesP.
Qed.
End Trees.

Lemma full_of l c : lower_holds n N X p q l c -> full_dimensional (@in_domain R n X).
Proof.
case/andP => _; case: (witness c) => [x /andP[/(inside_domain R)[] //]|/andP[_]]; exact: seen_open_full.
Qed.

(* Around the witness the Jacobian is that of every pattern whose closed cell holds it. *)
Lemma besideP forms sl x nd : beside n forms sl x = Some nd -> (size x <= n)%N -> size nd = size forms /\
  forall i, (i < size forms)%N -> let f := nth row0 forms i in
    isSome (nth None nd i) /\ forall b, on_side b ((rv R n f.1 *m cv R n x) 0 0 + val f.2) ->
      fits (nth None nd i) (linear (nth slope0 sl i)) b \/ rv R n f.1 = 0 /\ (val f.2 = 0 \/ fits (nth None nd i) false b).
Proof.
move=> + le_n; elim: forms sl nd => [|f forms IH] sl nd /=; first by move=> [<-].
case: ifP => // ok; case e: (beside n forms (behead sl) x) => [nd'|] //= [<-].
have [size_nd all_i] := IH _ _ e; split=> [|[|i] lt_i] /=; [by rewrite size_nd | | by rewrite -nth_behead; exact: all_i].
split=> // b; rewrite -(val_rowat R f le_n) /on_side => side_b.
have sign_ok : val (rowat f x) != 0 -> gt0 (rowat f x) == b.
  rewrite (value_gt0 R); have [pos|neg|] //= := ltrgt0P (val (rowat f x)); case: b side_b => //.
    by rewrite leNgt pos.
  by rewrite leNgt neg.
have [z|/sign_ok] := eqVneq (val (rowat f x)) 0; last by rewrite /fits nth0 eq_sym => ->; left; rewrite orbT.
move: ok; rewrite (value_is0 R) z eqxx /= nth0; case lin: (linear _) => /=; first by left.
move/negbT; rewrite negbK => /flatP flat_f; right; split=> //; left.
by move: z; rewrite (val_rowat R f le_n) flat_f mul0mx mxE add0r.
Qed.

Lemma aroundP k N' (s : pattern (sem R m k N')) rs x J : size rs = k -> (size x <= n)%N -> around n N' rs x = Some J ->
  in_cell s (rmat R k n rs *m cv R n x + rcol R k rs) -> jacobian s *m rmat R k n rs = mat R m n J.
Proof.
move=> + le_n; elim: N' k s rs => [W b|W b sl rest IH] k s rs size_rs /=.
  move=> [<-] _; rewrite -(rmat_affine R m n W b size_rs); apply/matrixP=> i j; rewrite !mxE.
  have [lt_i|ge_i] := ltnP i (size (affine W b rs)); first by rewrite (nth_map row0).
  by rewrite !nth_default ?size_map.
case e: (beside n _ sl x) => [nd|] // rest_ok [sides_ok below].
have [size_nd all_i] := besideP e le_n; rewrite size_affine in size_nd all_i.
set forms := affine W b rs in e rest_ok all_i.
have layer : mat R (size W) k W *m (rmat R k n rs *m cv R n x + rcol R k rs) + cv R (size W) b =
    rmat R (size W) n forms *m cv R n x + rcol R (size W) forms.
  by rewrite /forms (rmat_affine _ _ _ _ _ size_rs) (rcol_affine _ _ _ size_rs) mulmxDr mulmxA addrA.
set D := slope_of _ _ s.1 in below *; set next := activated forms sl nd.
have [eA ec] : rmat R (size W) n next = D *m rmat R (size W) n forms /\ rcol R (size W) next = D *m rcol R (size W) forms.
  have entry (i : 'I_(size W)) : let f := nth row0 forms i in let d := if nth None nd i is Some true then (nth slope0 sl i).2 else (nth slope0 sl i).1 in
      let d' := if s.1 i then val (nth slope0 sl i).2 else val (nth slope0 sl i).1 in
      (forall j : 'I_n, val d * val (nth zero f.1 j) = d' * val (nth zero f.1 j)) /\ val d * val f.2 = d' * val f.2.
    have [some fit] := all_i i (ltn_ord i); move=> f d d'.
    have := sides_ok i; rewrite layer [X in on_side _ X]mxE.
    have -> : (rmat R (size W) n forms *m cv R n x) i 0 = (rv R n f.1 *m cv R n x) 0 0.
      by rewrite !mxE; apply: eq_bigr => j _; rewrite !mxE.
    rewrite [rcol _ _ _ _ _]mxE -/f => /fit[fit_i|[flat_f more]]; first by rewrite /d (slope_fits R some fit_i).
    split=> [j|]; first by move/rowP: flat_f => /(_ j); rewrite !mxE => ->; rewrite !mulr0.
    case: more => [->|fit_i]; first by rewrite !mulr0.
    by rewrite /d (@slope_fits R _ sl s.1 nd i some) // /fits; move: fit_i; rewrite /fits; case: (nth None nd i) => // c /= ->; rewrite orbT.
  split.
    apply/matrixP=> i j; rewrite mul_diag_mx !mxE nth_activated ?size_affine // nth_vscale.
    by have [+ _] := entry i; exact.
  apply/colP=> i; rewrite mul_diag_mx !mxE nth_activated ?size_affine //= valueM.
  by have [_ +] := entry i.
have := IH (size W) s.2 next; rewrite size_activated size_affine eA ec => /(_ erefl rest_ok) step.
rewrite -!mulmxA -(rmat_affine R (size W) n W b size_rs); apply: step.
by move: below; rewrite (activate_on_sides _ _ sides_ok) layer mulmxDr mulmxA.
Qed.

(* Lower side. *)
Theorem lower_sound l c : lower_holds n N X p q l c ->
  forall L, lipschitz (@pn R p n) (@pn R q m) (@in_domain R n X) (eval net) L -> val l <= L.
Proof.
move=> ok L lip; have full := full_of ok; move: ok => /andP[/andP[l0 n0]]; rewrite (value_ge0 R) in l0.
case: (witness c) => [x /andP[in_x]|/andP[+ _]].
  have [Xx _] := inside_domain R in_x; have size_x : (size x <= n)%N by case/andP: in_x => /eqP->.
  case e: around => [J|] // /(norm_geP l0)[v [v0 low]].
  apply: (certificate_lower (pn_is_norm R p n) (pn_is_norm R q m) (@domain_convex R n X) full Xx _ v0 low) lip => s s_x.
  have := @aroundP n N s (identity n) x J; rewrite size_map size_iota rmat_identity rcol_identity mul1mx addr0 mulmx1.
  by move=> /(_ erefl size_x e s_x).
rewrite (value_is0 R) => /eqP->; have [z [r [r0 inside_r]]] := full.
pose w := z + (r / 2%:R) *: delta_mx (Ordinal n0) 0; have r2 : 0 < r / 2%:R by rewrite divr_gt0 ?ltr0n.
have Xz : in_domain X z by apply: inside_r => i; rewrite subrr normr0.
have Xw : in_domain X w.
  apply: inside_r => i; rewrite !mxE addrAC subrr add0r normrM (gtr0_norm r2).
  have half_lt : r / 2%:R < r by rewrite ltr_pdivr_mulr ?ltr0n // ltr_pmulr // ltr1n.
  by case: (_ && _); rewrite ?normr1 ?mulr1 // normr0 mulr0.
have Pw : 0 < pn p (w - z).
  apply: (@pn_gt0 R p n _ (Ordinal n0)); rewrite !mxE !eqxx mulr1 addrAC subrr add0r; exact: lt0r_neq0.
by have := le_trans (pn_ge0 q _) (lip w z Xw Xz); rewrite pmulr_lge0.
Qed.

(* Upper side. *)
Theorem upper_sound u c : full_dimensional (@in_domain R n X) -> upper_holds n N X p q u c ->
  lipschitz (@pn R p n) (@pn R q m) (@in_domain R n X) (eval net) (val u).
Proof.
move=> full; rewrite /upper_holds; set e := if enough c is Some _ then _ else _.
case/and4P; rewrite !(value_ge0 R) => u0 e0 reach; case: (steps c) => [ss|] //.
case tr: tree => [[|]|] // _.
apply: regions_upper; [exact: pn_is_norm | exact: domain_convex | exact: full |].
move=> s /region_settled[region <- canon].
apply: (derivation_sound (S := fun t => canonical t 1%:M 0) (@facets_hold R n X) _ canon canon region).
apply: (tree_derives u0 e0 reach tr) => t canon_t; split=> //; apply: opened_node => //; exact: agrees_root.
Qed.
End Main.

(* The whole: what the checker accepts holds of the network, on the domain, for the norms p and q. *)
Theorem check_sound n N X p q lower upper c (R : rcfType) : check n N X p q lower upper c ->
  let lip := lipschitz (@pn R p n) (@pn R q (outputs N)) (@in_domain R n X) (eval (sem R (outputs N) n N)) in
  (forall L, lip L -> value R lower <= L) /\ (if upper is Some u then lip (value R u) else True).
Proof.
move=> /andP[low up] lip; split; first exact: lower_sound low.
case: upper up => // u /andP[_ up]; exact: upper_sound (full_of R low) up.
Qed.

(* With equal bounds: the constant. *)
Corollary check_constant n N X p q value_of c (R : rcfType) : check n N X p q value_of (Some value_of) c ->
  lipschitz_constant (@pn R p n) (@pn R q (outputs N)) (@in_domain R n X) (eval (sem R (outputs N) n N)) (value R value_of).
Proof. by case/(check_sound R) => low up; split. Qed.

(* An example, FORMAT.md's: f(x) = relu(x) - relu(-x). The constant is 1, by computation. *)
Definition minus_one : num := Num (-1) 1.
Definition identity_network : network :=
  Layer [:: [:: one]; [:: minus_one]] [:: zero; zero] [:: (zero, one); (zero, one)] (Last [:: [:: one; minus_one]] [:: zero]).
Definition identity_certificate : certificate :=
  let both := [:: (Neuron 0, 1%positive); (Neuron 1, 1%positive)] in
  Certificate (Some [:: one]) None (Some [:: Checker.Split 0; Checker.Split 1; Checker.Empty both; Slopes;
    Checker.Split 1; Slopes; Checker.Empty both]).

Corollary identity_has_constant_one (R : rcfType) :
  lipschitz_constant (@pn R L2 1) (@pn R L2 1) (@in_domain R 1 (Polytope [::])) (eval (sem R 1 1 identity_network)) 1.
Proof.
rewrite -[X in lipschitz_constant _ _ _ _ X](value1 R).
by apply: (check_constant (N := identity_network) (c := identity_certificate)); vm_compute.
Qed.
