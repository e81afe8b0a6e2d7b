(* Certificates: the rules, and that a derivation proves both sides of the constant. In words: certificates.md. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Regions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Rows.
Variables (R : realFieldType) (n : nat).
Add Ring Rring : (ring_laws R).

(* A row says on which side of 0 the affine function a x + c is. *)
Record row_of := Row { normal : 'rV[R]_n; constant : R; side : bool }.
Definition holds (r : row_of) (x : 'cV[R]_n) : Prop := on_side (side r) ((normal r *m x) 0 0 + constant r).
Definition sign (r : row_of) : R := if side r then 1 else -1.

Fixpoint all_hold (rs : seq row_of) x : Prop := if rs is r :: rs' then holds r x /\ all_hold rs' x else True.

Lemma all_hold_cat rs qs x : all_hold (rs ++ qs) x <-> all_hold rs x /\ all_hold qs x.
Proof. by elim: rs => [|r rs IH] /=; [split=> // -[] | rewrite IH; tauto]. Qed.

(* The rows of a total pattern: each neuron's exact affine map, given the pattern's sides of the layers below. *)
Fixpoint rows m k (N : net R m k) : pattern N -> 'M[R]_(k, n) -> 'cV[R]_k -> seq row_of :=
  match N with
  | Output _ _ _ => fun _ _ _ => [::]
  | Hidden _ k W b l r rest => fun s A c =>
      [seq Row (row i (W *m A)) ((W *m c + b) i 0) (s.1 i) | i <- enum 'I_k] ++
      rows s.2 (slope_of l r s.1 *m (W *m A)) (slope_of l r s.1 *m (W *m c + b))
  end.

Lemma layer_rows k (W : 'M[R]_(k, n)) (b : 'cV[R]_k) (s : 'I_k -> bool) x :
  all_hold [seq Row (row i W) (b i 0) (s i) | i <- enum 'I_k] x <-> forall i, on_side (s i) ((W *m x + b) i 0).
Proof.
have entry i : (W *m x + b) i 0 = (row i W *m x) 0 0 + b i 0.
  by rewrite mxE; congr (_ + _); rewrite !mxE; apply: eq_bigr => j _; rewrite mxE.
transitivity (forall i, i \in enum 'I_k -> on_side (s i) ((W *m x + b) i 0)); last first.
  by split=> sides i => [|_]; apply: sides; rewrite ?mem_enum.
elim: (enum 'I_k) => [|i js IH] /=; first by split.
rewrite IH /holds /= -entry; split=> [[si sj] j|sides].
  by rewrite inE => /orP[/eqP->//|]; exact: sj.
by split=> [|j js_j]; apply: sides; rewrite inE ?eqxx // js_j orbT.
Qed.

Lemma cell_rows m k (N : net R m k) (s : pattern N) A c x : in_cell s (A *m x + c) <-> all_hold (rows s A c) x.
Proof.
elim: N s A c => [//|k' k'' W b l r rest IH] [s1 s2] A c /=.
rewrite all_hold_cat layer_rows /= -IH.
have layer : W *m (A *m x + c) + b = W *m A *m x + (W *m c + b) by rewrite mulmxDr mulmxA addrA.
rewrite layer; split=> -[sides below]; split=> //.
  by move: below; rewrite (activate_on_sides _ _ sides) mulmxDr !mulmxA.
by rewrite (activate_on_sides _ _ sides) mulmxDr !mulmxA; move: below; rewrite !mulmxA.
Qed.

Fixpoint member (r : row_of) rs : Prop := if rs is q :: qs then r = q \/ member r qs else False.

Lemma member_cat r rs qs : member r (rs ++ qs) <-> member r rs \/ member r qs.
Proof. by elim: rs => [|q rs IH] /=; [tauto | rewrite IH; tauto]. Qed.

Lemma member_map (T : eqType) (f : T -> row_of) js r : member r [seq f j | j <- js] -> exists j, r = f j.
Proof. by elim: js => //= j js IH [->|/IH //]; exists j. Qed.

(* A neuron that is constant has one sign: + where the constant is positive, - elsewhere. `settled` corrects a pattern. *)
Definition canonical m k (N : net R m k) (s : pattern N) A c : Prop :=
  forall r, member r (rows s A c) -> normal r = 0 -> side r = (0 < constant r).

Fixpoint settled m k (N : net R m k) : pattern N -> 'M[R]_(k, n) -> 'cV[R]_k -> pattern N :=
  match N with
  | Output _ _ _ => fun s _ _ => s
  | Hidden _ k W b l r rest => fun s A c =>
      ([ffun i => if row i (W *m A) == 0 then 0 < (W *m c + b) i 0 else s.1 i],
       settled s.2 (slope_of l r s.1 *m (W *m A)) (slope_of l r s.1 *m (W *m c + b)))
  end.

(* Where a pattern's cell holds a point, the corrected one has the same Jacobian and holds the point too. *)
Lemma settledP m k (N : net R m k) (s : pattern N) A c x : in_cell s (A *m x + c) ->
  [/\ in_cell (settled s A c) (A *m x + c), jacobian (settled s A c) *m A = jacobian s *m A & canonical (settled s A c) A c].
Proof.
elim: N s A c => [k' W b s A c _|k' k'' W b l r rest IH [s1 s2] A c /= [sides below]]; first by split=> // q [].
set s1' : {ffun 'I_k'' -> bool} := [ffun i => if row i (W *m A) == 0 then 0 < (W *m c + b) i 0 else s1 i].
have layer : W *m (A *m x + c) + b = W *m A *m x + (W *m c + b) by rewrite mulmxDr mulmxA addrA.
have flat i : row i (W *m A) = 0 -> (W *m (A *m x + c) + b) i 0 = (W *m c + b) i 0.
  move=> r0; rewrite layer mxE; have -> : (W *m A *m x) i 0 = (row i (W *m A) *m x) 0 0 by rewrite -row_mul [RHS]mxE.
  by rewrite r0 mul0mx mxE add0r.
have sides' i : on_side (s1' i) ((W *m (A *m x + c) + b) i 0).
  rewrite ffunE; case: eqP => [/flat->|_]; last exact: sides.
  by have [c0|c0] := ltP 0 ((W *m c + b) i 0); [exact: ltW | exact: c0].
have same_normal : slope_of l r s1' *m (W *m A) = slope_of l r s1 *m (W *m A).
  apply/matrixP=> i j; rewrite !mul_diag_mx; move: (W *m A) (W *m c + b) @s1' {flat sides' layer} => M d s1'.
  rewrite !mxE ffunE; case: eqP => // /rowP/(_ j); rewrite !mxE => ->; by rewrite !mulr0.
have same_constant : slope_of l r s1' *m (W *m c + b) = slope_of l r s1 *m (W *m c + b).
  apply/colP=> i; rewrite !mul_diag_mx; have side0 : row i (W *m A) = 0 -> on_side (s1 i) ((W *m c + b) i 0).
    by move=> r0; have := sides i; rewrite flat.
  move: (W *m A) (W *m c + b) @s1' side0 {flat sides' layer same_normal} => M d s1' side0.
  rewrite !mxE ffunE; case: eqP => // /side0; rewrite /on_side.
  have [pos|neg|->] := ltrgt0P (d i 0); last by rewrite !mulr0.
    by case: (s1 i) => // /(lt_le_trans pos); rewrite ltxx.
  by case: (s1 i) => // /(le_lt_trans _)/(_ neg); rewrite ltxx.
have [|cell jac canon] := IH s2 (slope_of l r s1 *m (W *m A)) (slope_of l r s1 *m (W *m c + b)).
  by move: below; rewrite (activate_on_sides _ _ sides) layer mulmxDr mulmxA.
split.
- split; first exact: sides'.
  by rewrite (activate_on_sides _ _ sides') layer (mulmxDr (slope_of l r s1')) same_constant (mulmxA (slope_of l r s1')) same_normal; exact: cell.
- by rewrite -!mulmxA same_normal; exact: jac.
move=> q; rewrite /= member_cat same_normal same_constant => -[/member_map[i ->] /= r0|]; last exact: canon.
by rewrite ffunE r0 eqxx.
Qed.

End Rows.

Section Rules.
Variables (R : realFieldType) (m n : nat) (N : net R m n) (X : 'cV[R]_n -> Prop) (facets : seq (row_of R n)).
Add Ring Rring2 : (ring_laws R).
Hypothesis facets_hold : forall x, X x -> all_hold facets x.

Lemma member_holds (r : row_of R n) rs x : member r rs -> all_hold rs x -> holds r x.
Proof. by elim: rs => //= q qs IH [->|/IH holds_r] [] //. Qed.

(* The rows that a node may use: those of the pattern's neurons, and the domain's facets. *)
Definition usable (s : pattern N) : seq (row_of R n) := rows s 1%:M 0 ++ facets.

(* REFUTE: positive multipliers of rows that are not constant; the sum is <= 0 on the domain. *)
Definition weighted (l : seq (R * row_of R n)) : 'rV[R]_n := \sum_(p <- l) (p.1 * sign p.2) *: normal p.2.
Definition weighted_constant (l : seq (R * row_of R n)) : R := \sum_(p <- l) (p.1 * sign p.2) * constant p.2.
Fixpoint legal rs (l : seq (R * row_of R n)) : Prop :=
  if l is (c, r) :: l' then [/\ 0 < c, normal r <> 0, member r rs & legal rs l'] else True.
Definition refutes rs l : Prop :=
  [/\ legal rs l, l <> [::] & forall x, X x -> (weighted l *m x) 0 0 + weighted_constant l <= 0].

(* How the sum is seen to be <= 0: it is constant, or it is so at a ball's centre and falls less than that in the ball. *)
Lemma refutes_constant rs l : legal rs l -> l <> [::] -> weighted l = 0 -> weighted_constant l <= 0 -> refutes rs l.
Proof. by move=> leg some w0 c0; split=> // x _; rewrite w0 mul0mx mxE add0r. Qed.

Lemma signed_ge0 (r : row_of R n) x : holds r x -> 0 <= sign r * ((normal r *m x) 0 0 + constant r).
Proof. by rewrite /holds /sign; case: (side r) => /= h; rewrite ?mul1r // mulN1r oppr_ge0. Qed.

Lemma weighted_ge0 rs l x : legal rs l -> all_hold rs x -> 0 <= (weighted l *m x) 0 0 + weighted_constant l.
Proof.
move=> + hold; rewrite /weighted /weighted_constant; elim: l => [_|[c r] l IH /= [c0 _ r_in /IH tail]].
  by rewrite !big_nil mul0mx mxE addr0.
rewrite !big_cons mulmxDl -scalemxAl /=.
have -> : ((c * sign r) *: (normal r *m x) + (\sum_(j <- l) (j.1 * sign j.2) *: normal j.2) *m x) 0 0 =
    (c * sign r) * (normal r *m x) 0 0 + ((\sum_(j <- l) (j.1 * sign j.2) *: normal j.2) *m x) 0 0.
  by rewrite mxE; congr (_ + _); rewrite mxE.
rewrite addrACA -mulrDr -mulrA; apply: addr_ge0 => //; apply: mulr_ge0; first exact: ltW.
exact: signed_ge0 (member_holds r_in hold).
Qed.

Lemma refuted rs l : refutes rs l -> ~ full_dimensional (fun x => X x /\ all_hold rs x).
Proof.
move=> [leg + total] [z [rad [rad0 inside]]]; case: l leg total => // -[c r] l' /= leg total _.
have [c0 r_neq0 r_in leg'] := leg.
have vanishes x : cube z rad x -> (normal r *m x) 0 0 + constant r = 0.
  move=> /inside[/total + hold]; have := weighted_ge0 leg' hold; have := signed_ge0 (member_holds r_in hold).
  rewrite /weighted /weighted_constant !big_cons /= mulmxDl -scalemxAl => head tail.
  set a := (normal r *m x) 0 0 in head *; set t := \sum_(j <- l') _; set d := \sum_(j <- l') _ => sum.
  have sum0 : c * (sign r * (a + constant r)) <= 0.
    apply: le_trans sum; have -> : ((c * sign r) *: (normal r *m x) + t *m x) 0 0 = c * sign r * a + (t *m x) 0 0.
      by rewrite mxE; congr (_ + _); rewrite mxE.
    by rewrite -subr_ge0; move: tail; rewrite -/t -/d; congr (0 <= _); mc_ring R.
  have : sign r * (a + constant r) = 0 by apply/eqP; rewrite eq_le head andbT -(ler_pmul2l c0) mulr0.
  by move/eqP; rewrite mulf_eq0 /sign; case: (side r); rewrite ?oppr_eq0 oner_eq0 => /eqP.
case: r_neq0; apply/rowP => i; rewrite [RHS]mxE.
have vz : (normal r *m z) 0 0 + constant r = 0 by apply: vanishes => j; rewrite subrr normr0.
have := vanishes (z + (rad / 2%:R) *: delta_mx i 0); rewrite mulmxDr -scalemxAr -colE.
have -> : (normal r *m z + (rad / 2%:R) *: col i (normal r)) 0 0 + constant r =
    ((normal r *m z) 0 0 + constant r) + rad / 2%:R * normal r 0 i.
  by move: (normal r *m z) => q; rewrite !mxE; mc_ring R.
rewrite vz add0r => at_i; have half0 : 0 < rad / 2%:R by rewrite divr_gt0 ?ltr0n.
suff : cube z rad (z + (rad / 2%:R) *: delta_mx i 0).
  by move/at_i/eqP; rewrite mulf_eq0 (gt_eqF half0) => /eqP.
move=> j; rewrite !mxE addrAC subrr add0r normrM (gtr0_norm half0).
have half_lt : rad / 2%:R < rad by rewrite ltr_pdivr_mulr ?ltr0n // ltr_pmulr // ltr1n.
by case: (_ && _); rewrite ?normr1 ?mulr1 // normr0 mulr0.
Qed.

Variables (P : 'cV[R]_n -> R) (Q : 'cV[R]_m -> R) (u : R).

(* The tree. A node is the set of total patterns that agree with the signs it assigns. *)
Inductive derivation : (pattern N -> Prop) -> Prop :=
| Split (S : pattern N -> Prop) (T : pattern N -> bool) :
    derivation (fun s => S s /\ T s) -> derivation (fun s => S s /\ ~~ T s) -> derivation S
| Empty (S : pattern N -> Prop) : (forall s, S s -> exists l, refutes (usable s) l) -> derivation S
| Constant (S : pattern N -> Prop) :
    (forall s, S s -> exists r, [/\ member r (rows s 1%:M 0), normal r = 0 & side r <> (0 < constant r)]) -> derivation S
| Bounded (S : pattern N -> Prop) : (forall s, S s -> norm_at_most P Q (jacobian s) u) -> derivation S.

Lemma region_rows s : has_region X s -> full_dimensional (fun x => X x /\ all_hold (usable s) x).
Proof.
move=> [z [r [r0 inside]]]; exists z, r; split=> // w /inside[Xw sw]; split=> //; apply/all_hold_cat.
by split; [apply/cell_rows; rewrite mul1mx addr0 | exact: facets_hold].
Qed.

Theorem derivation_sound S : derivation S ->
  forall s, S s -> canonical s 1%:M 0 -> has_region X s -> norm_at_most P Q (jacobian s) u.
Proof.
elim=> {S} [S T _ left _ right|S refuted_S|S contra|S bound] s Ss canon region.
- by case Ts: (T s); [apply: left | apply: right] => //; rewrite Ts.
- by have [l /refuted[]] := refuted_S s Ss; exact: region_rows.
- by have [r [/canon side_r /side_r]] := contra s Ss.
exact: bound.
Qed.

Lemma region_settled (s : pattern N) : has_region X s ->
  [/\ has_region X (settled s 1%:M 0), jacobian (settled s 1%:M 0) = jacobian s & canonical (settled s 1%:M 0) 1%:M 0].
Proof.
move=> [z [rad [rad0 inside]]].
have ok w : cube z rad w -> in_cell s (1%:M *m w + 0) by rewrite mul1mx addr0 => /inside[].
have /ok/settledP[_ jac canon] : cube z rad z by move=> i; rewrite subrr normr0.
split=> //; last by rewrite -[LHS]mulmx1 jac mulmx1.
exists z, rad; split=> // w near; split; first by have [] := inside _ near.
by have [+ _ _] := settledP (ok w near); rewrite mul1mx addr0.
Qed.

(* Rule UPPER. *)
Theorem certificate_upper : is_norm P -> is_norm Q -> convex X -> full_dimensional X ->
  derivation (fun _ => True) -> lipschitz P Q X (eval N) u.
Proof.
move=> nP nQ conv full tree; apply: regions_upper => // s /region_settled[region <- canon].
exact: derivation_sound tree _ I canon region.
Qed.

(* Rule LOWER: at x every row of the pattern is either constant and not contradicted, or strictly on its side. *)
Fixpoint witnesses (rs : seq (row_of R n)) x : Prop :=
  if rs is r :: rs' then
    (normal r = 0 /\ holds r x \/ 0 < sign r * ((normal r *m x) 0 0 + constant r)) /\ witnesses rs' x
  else True.

Lemma witness_full (K : 'cV[R]_n -> Prop) rs x : convex K -> full_dimensional K -> K x -> witnesses rs x ->
  full_dimensional (fun w => K w /\ all_hold rs w).
Proof.
elim: rs K => [|r rs IH] K conv full Kx /=.
  by move=> _; have [z [rad [rad0 inside]]] := full; exists z, rad; split=> // w /inside.
move=> [ok wit]; pose K' w := K w /\ holds r w.
have convK' : convex K' by exact: half_space_convex.
suff [fullK' K'x] : full_dimensional K' /\ K' x.
  have [z [rad [rad0 inside]]] := IH K' convK' fullK' K'x wit.
  by exists z, rad; split=> // w /inside[[Kw rw] rest].
case: ok => [[r0 rx]|strict].
  split=> //; have [z [rad [rad0 inside]]] := full; exists z, rad; split=> // w /inside Kw; split=> //.
  by move: rx; rewrite /holds r0 !mul0mx.
have [s [sx fs]] := half (normal r) (constant r) conv full Kx.
have es : s = side r.
  move: sx strict; rewrite /on_side /sign; case: s {fs} => sx; case: (side r) => //.
    by rewrite mulN1r oppr_gt0 ltNge sx.
  by rewrite mul1r ltNge sx.
by rewrite /K' /holds -es.
Qed.

(* x is in the closed cell of some region; so if all closed cells that hold x have one and the same Jacobian, its norm is
   a lower bound. *)
Theorem certificate_lower (J : 'M[R]_(m, n)) x v lower : is_norm P -> is_norm Q -> convex X -> full_dimensional X -> X x ->
  (forall s : pattern N, in_cell s x -> jacobian s = J) -> 0 < P v -> lower * P v <= Q (J *m v) ->
  forall L, lipschitz P Q X (eval N) L -> lower <= L.
Proof.
move=> nP nQ conv full Xx unique v0 low L lip.
have [s [/unique eJ region]] := regions_cover N conv full Xx.
rewrite -(ler_pmul2r v0); apply: le_trans low _; rewrite -eJ; have bound := regions_lower nP nQ region lip; exact: bound.
Qed.

End Rules.

(* FALSE VARIANT: REFUTE with constant rows. A row that is 0 everywhere, taken once, has the sum 0 <= 0; yet it holds on the
   whole space. *)
Theorem constant_rows_refute_nothing (R : realFieldType) n (r := Row (0 : 'rV[R]_n) 0 true) :
  weighted [:: (1, r)] = 0 /\ weighted_constant [:: (1, r)] <= 0 /\ full_dimensional (fun x => all_hold [:: r] x).
Proof.
rewrite /weighted /weighted_constant !big_seq1 /= scaler0 mulr0 lexx; split=> //; split=> //.
exists 0, 1; split; first exact: ltr01.
by move=> w _; split=> //; rewrite /holds /on_side /= mul0mx mxE addr0 lexx.
Qed.
